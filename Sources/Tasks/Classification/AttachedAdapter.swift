import Tensors
public import Transformer

/// An adapter on a classifier, and what its directory says or will say of it.
public struct AttachedAdapter {
    public let adapter: Adapter
    public let settings: PEFTConfiguration

    /// The number of values that learn.
    public var trainableParameters: Int { adapter.parameters.reduce(0) { $0 + $1.shape.count } }
}
