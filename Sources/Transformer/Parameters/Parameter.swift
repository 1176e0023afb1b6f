public import Tensors

/// A named tensor of a model: its value, and its gradient while training. Weights are tied by sharing the object.
public final class Parameter {
    /// The name in the published checkpoint.
    public let name: String
    /// The value where it is: in the checkpoint's file, until `value` or `update` brings it into memory.
    public private(set) var stored: StoredTensor
    public private(set) var gradient: Gradient?
    /// A frozen parameter takes no gradient.
    public var isTrainable = true
    private var packed: PackedMatrix?

    public enum Gradient: Equatable, Sendable {
        case dense(Tensor)
        case rows(SparseRows)

        public var sumOfSquares: Double {
            switch self {
            case .dense(let tensor): tensor.sumOfSquares
            case .rows(let rows): rows.values.sumOfSquares
            }
        }

        public var dense: Tensor {
            switch self {
            case .dense(let tensor): tensor
            case .rows(let rows): rows.dense
            }
        }
    }

    public convenience init(_ name: String, _ value: Tensor) { self.init(name, StoredTensor(value)) }

    public init(_ name: String, _ value: StoredTensor) {
        self.name = name
        stored = value
    }

    public var shape: Shape { stored.shape }

    /// The value in memory. Not for several threads at once before it is there.
    public var value: Tensor {
        if !stored.isTensor { stored = StoredTensor(stored.tensor) }
        return stored.tensor
    }

    /// Changes the value, in place unless somebody else holds it.
    public func update(_ body: (inout Tensor) -> Void) {
        packed = nil
        var value = stored.tensor
        stored = StoredTensor(.zeros([0]))
        body(&value)
        stored = StoredTensor(value)
    }

    /// Adds to the gradient, which starts at zero. A frozen parameter ignores it.
    public func accumulate(_ add: (inout Tensor) -> Void) {
        guard isTrainable else { return }
        var sum: Tensor
        switch gradient {
        case nil: sum = .zeros(shape)
        case .dense(let tensor): sum = tensor
        case .rows(let rows): sum = rows.dense
        }
        gradient = nil
        add(&sum)
        gradient = .dense(sum)
    }

    /// Adds `Aᵀ·B` to the gradient; the first product becomes it. A frozen parameter ignores it.
    public func accumulate(product a: TransposedTensor, _ b: Tensor) {
        guard isTrainable else { return }
        if gradient == nil { gradient = .dense(matmul(a, b)) } else { accumulate { $0.addProduct(a, b) } }
    }

    /// Adds rows to the gradient of a table. A frozen parameter ignores it.
    public func accumulate(rows: @autoclosure () -> SparseRows) {
        guard isTrainable else { return }
        switch gradient {
        case nil: gradient = .rows(rows())
        case .rows(var sum):
            sum.add(rows())
            gradient = .rows(sum)
        case .dense:
            let rows = rows()
            accumulate { $0.scatterAdd(rows.values, at: rows.rows) }
        }
    }

    public func clearGradient() { gradient = nil }

    /// The transposed value as the engine reads it fastest; kept after `pack()`, else made anew for this call.
    var packedTranspose: PackedMatrix { packed ?? PackedMatrix(value.transposed) }

    /// Keeps the packed value until the next change. Call it before several threads use the model.
    func pack() {
        if packed == nil { packed = PackedMatrix(value.transposed) }
    }
}
