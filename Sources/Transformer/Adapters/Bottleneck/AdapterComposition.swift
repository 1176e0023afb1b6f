/// How several bottleneck adapters work together, by their names.
///
/// Sources: Pfeiffer et al. 2020, "MAD-X", §3.2, for stacks; Pfeiffer et al. 2021, "AdapterFusion", §3.2.2; Wang et al. 2022,
/// "AdaMix", and the library's `Average` for averages of results.
public enum AdapterComposition: Equatable, Sendable {
    /// One behind the other, the first one first.
    case stack([String])
    /// Side by side. Their results are weighted, by weights that are brought to a sum of 1.
    case average([String], weights: [Float]?)
    /// Side by side, every token choosing among their results.
    case fusion([String], FusionConfiguration)

    public var names: [String] {
        switch self {
        case .stack(let names), .average(let names, _), .fusion(let names, _): names
        }
    }
}

/// What chooses among the results of adapters. Source: Pfeiffer et al. 2021, "AdapterFusion", §3.2.2.
public struct FusionConfiguration: Equatable, Sendable {
    /// Whether results are projected before they are summed, by a matrix that starts as the identity and is drawn to it.
    public var hasValue = true
    /// Of the scores; `nil` is the encoder's of attention.
    public var dropout: Float?

    public init() {}
}
