public import Tensors

/// Texts mixed in pairs: the head sees a weighted mean of two texts' features, and is to answer with both labels by the
/// same weights.
///
/// Source: Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization", §2; of sentences' features: Guo, Mao and
/// Zhang 2019, "Augmenting Data with Mixup for Sentence Classification", §3.2.
public struct Mixup: Equatable, Sendable {
    /// The weight of a text itself; the rest is its partner's. At least a half.
    public let share: Float
    /// For each text the other one.
    public let partners: [Int]

    public init(share: Float, partners: [Int]) {
        precondition((0...1).contains(share), "share \(share)")
        self.share = share
        self.partners = partners
    }

    /// A share from the distribution Beta(alpha, alpha), and partners in random order.
    init(_ count: Int, alpha: Double, random: RandomSource) {
        let (a, b) = (random.gamma(shape: alpha), random.gamma(shape: alpha))
        let share = a + b > 0 ? a / (a + b) : 1
        self.init(share: Float(max(share, 1 - share)), partners: random.permutation(of: count))
    }

    /// - Parameter features: `[texts, columns]`
    public func mixed(_ features: Tensor) -> Tensor {
        var (mixed, others) = (features, features.gather(rows))
        mixed.scale(by: share)
        others.scale(by: 1 - share)
        mixed += others
        return mixed
    }

    /// The gradient by the features from that by the mixed ones.
    func backward(_ gradient: Tensor) -> Tensor {
        var (own, others) = (gradient, gradient)
        own.scale(by: share)
        others.scale(by: 1 - share)
        own.scatterAdd(others, at: rows)
        return own
    }

    private var rows: [Int32] { partners.map { Int32($0) } }
}
