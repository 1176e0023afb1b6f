public import Transformer

/// How a run of fine-tuning moves its parameters.
public struct Optimization: Equatable, Sendable {
    /// The optimizers, by the names of the command line.
    public enum Algorithm: String, Sendable, CaseIterable {
        case adamW = "adamw"
        case lion
        case sgd
        /// Gradient descent with Nesterov's momentum.
        case nesterov
        case adafactor
        /// Adafactor with steps relative to the size of the parameters: without a learning rate.
        case adafactorRelative = "adafactor-relative"

        public var rule: any UpdateRule {
            switch self {
            case .adamW: AdamW()
            case .lion: Lion()
            case .sgd: StochasticGradientDescent()
            case .nesterov: StochasticGradientDescent(isNesterov: true)
            case .adafactor: Adafactor()
            case .adafactorRelative: Adafactor(isRelative: true)
            }
        }
    }

    /// How long the learning rate rises.
    public enum Warmup: Equatable, Sendable {
        /// A share of all steps.
        case ratio(Double)
        case steps(Int)

        /// The steps that were asked for, where they leave none of a run's for the rest of the schedule.
        func excess(over steps: Int) -> Int? {
            if case .steps(let own) = self, own > 0, own >= steps { own } else { nil }
        }

        func steps(of all: Int) -> Int {
            switch self {
            case .ratio(let ratio): Int(ratio * Double(all))
            case .steps(let steps): min(steps, all)
            }
        }
    }

    /// What finds the weights of the method `head`.
    public enum HeadSolver: String, Sendable, CaseIterable {
        /// The optimum of logistic regression, or of ridge regression.
        case lbfgs
        /// Epochs of steps, as the other methods take them, with the optimizer that is asked for.
        case steps
    }

    /// A learning rate for the parameters whose names a regular expression matches somewhere.
    public struct Pattern: Equatable, Sendable {
        public var expression: String
        public var rate: Double

        public init(expression: String, rate: Double) {
            self.expression = expression
            self.rate = rate
        }
    }

    public var algorithm = Algorithm.adamW
    /// `nil` is the method's.
    public var schedule: LearningRateSchedule.Kind?
    /// Of a polynomial schedule.
    public var power = 2.0
    /// `nil` is the schedule's usual share.
    public var warmup: Warmup?
    /// 0 clips no gradients.
    public var maxGradientNorm = 1.0
    /// The number of batches whose gradients are averaged for a step.
    public var accumulation = 1
    /// The learning rate of a layer, as a share of that of the layer above; `nil` is the method's.
    public var layerDecay: Double?
    /// `nil` is that of the top layer.
    public var headLearningRate: Double?
    /// Of several that match, the last counts.
    public var patterns: [Pattern] = []
    /// How much faster the second matrices of LoRA learn than the first ones.
    public var loraPlusRatio = 1.0
    /// How many layers learn with the method `top-k`.
    public var topKLayers = 2
    public var headSolver = HeadSolver.lbfgs
    /// Of the `lbfgs` solver, scikit-learn's `C`; `nil` chooses the best.
    public var inverseRegularization: Double?

    public var objective = TrainingObjective()
    /// The share of the matrices that each step puts back to where they started.
    public var mixout: Float = 0
    /// The strength of the pull to where training started.
    public var startingPointPenalty = 0.0
    /// The length of the word vectors' step against the loss; 0 takes none.
    public var adversarialStep: Float = 0
    /// Whether each step leaves out the adapters of some of the lowest layers, at random.
    ///
    /// Source: Rücklé et al. 2021, "AdapterDrop", §4.
    public var dropsAdapters = false
    /// Of the distribution of shares in which the features of texts are mixed in pairs; 0 mixes none.
    public var mixupAlpha = 0.0
    /// The size of the noise on word vectors.
    public var embeddingNoise: Float = 0
    /// How much of the moving averages is kept in a step; `nil` keeps no averages.
    public var averageDecay: Double?
    /// `nil` is the model's.
    public var dropout: Float?

    public init() {}

    /// How many copies of what learns are kept besides weights, gradients and moments.
    var copies: Int {
        (mixout > 0 ? 2 : 0) + (startingPointPenalty > 0 ? 1 : 0) + (averageDecay == nil ? 0 : 1)
    }

    func schedule(_ method: FineTuning.Method, peak: Double, steps: Int) -> LearningRateSchedule {
        let kind = schedule ?? method.usualSchedule
        let warmup = warmup ?? .ratio(kind.usualWarmup)
        return LearningRateSchedule(kind, peak: peak, warmupSteps: warmup.steps(of: steps), steps: steps, power: power)
    }
}

extension FineTuning.Method {
    var usualSchedule: LearningRateSchedule.Kind { self == .gradual ? .slantedTriangular : .linear }
    /// Source: Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text Classification", §3.2.
    var usualLayerDecay: Double { self == .gradual ? 1 / 2.6 : 1 }
}
