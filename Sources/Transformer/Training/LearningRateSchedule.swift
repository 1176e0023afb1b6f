import Glibc

/// The learning rate of every step: a pure function of the step.
public struct LearningRateSchedule: Equatable, Sendable {
    /// The form of the curve behind the warm-up, by transformers' names where it has one.
    public enum Kind: String, Sendable, CaseIterable {
        /// Falls linearly to zero. Source: Devlin et al. 2019, "BERT", appendix A.2.
        case linear
        /// Falls along half a cosine to zero. Source: Loshchilov and Hutter 2017, "SGDR", §3.
        case cosine
        /// Falls with a power of the steps that are left, to zero.
        case polynomial
        /// Falls with the root of the steps. Source: Vaswani et al. 2017, "Attention Is All You Need", §5.3.
        case inverseSquareRoot = "inverse_sqrt"
        /// Stays at the peak.
        case constant
        /// Rises from a 25th of the peak along half a cosine, and falls to a 250,000th. Source: Smith and Topin 2018,
        /// "Super-Convergence", as `torch.optim.lr_scheduler.OneCycleLR` has it.
        case oneCycle = "one_cycle"
        /// Rises linearly from a 32nd of the peak, and falls there again. Source: Howard and Ruder 2018, "Universal Language
        /// Model Fine-tuning for Text Classification", equation 3.
        case slantedTriangular = "slanted_triangular"

        /// The share of all steps over which the rate rises, where nothing is said.
        public var usualWarmup: Double {
            switch self {
            case .oneCycle: 0.3
            case .slantedTriangular: 0.1
            default: 0.06
            }
        }
    }

    public var kind: Kind
    public var peak: Double
    /// The steps over which the rate rises.
    public var warmupSteps: Int
    /// All steps.
    public var steps: Int
    /// Of a polynomial.
    public var power: Double

    public init(_ kind: Kind = .linear, peak: Double, warmupSteps: Int, steps: Int, power: Double = 2) {
        self.kind = kind
        self.peak = peak
        self.warmupSteps = warmupSteps
        self.steps = steps
        self.power = power
    }

    /// The learning rate of a step, counted from 0.
    public func learningRate(at step: Int) -> Double { peak * factor(at: step) }

    private func factor(at step: Int) -> Double {
        switch kind {
        case .oneCycle: return oneCycle(at: step)
        case .slantedTriangular: return slantedTriangular(at: step)
        default: break
        }
        if step < warmupSteps { return Double(step) / Double(max(1, warmupSteps)) }
        /// The share of the steps behind the warm-up that is left.
        let left = max(0, Double(steps - step) / Double(max(1, steps - warmupSteps)))
        switch kind {
        case .cosine: return 0.5 * (1 + cos(.pi * (1 - left)))
        case .polynomial: return pow(left, power)
        case .inverseSquareRoot:
            let scale = warmupSteps > 0 ? warmupSteps : 10_000
            return 1 / (Double(step + scale - warmupSteps) / Double(scale)).squareRoot()
        case .constant: return 1
        case .linear, .oneCycle, .slantedTriangular: return left
        }
    }

    private func oneCycle(at step: Int) -> Double {
        let (start, end) = (1.0 / 25, 1.0 / 25 / 1e4)
        let top = Double(warmupSteps) - 1
        let last = Double(steps - 1)
        func cosine(_ from: Double, _ to: Double, _ share: Double) -> Double {
            to + (from - to) / 2 * (1 + cos(.pi * share))
        }
        if Double(step) <= top { return top > 0 ? cosine(start, 1, Double(step) / top) : 1 }
        return last > top ? cosine(1, end, min(1, (Double(step) - top) / (last - top))) : 1
    }

    private func slantedTriangular(at step: Int) -> Double {
        let ratio = 32.0
        let share =
            step < warmupSteps
            ? Double(step) / Double(warmupSteps)
            : max(0, 1 - Double(step - warmupSteps) / Double(max(1, steps - warmupSteps)))
        return (1 + share * (ratio - 1)) / ratio
    }
}
