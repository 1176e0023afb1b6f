import Synchronization
public import Tensors

/// A named tensor of a model: its value, and its gradient while training. Weights are tied by sharing the object, so that
/// several layers may ask for the value at once, each on its own thread; what changes it is for one thread alone.
public final class Parameter {
    /// The name in the published checkpoint.
    public let name: String
    public private(set) var gradient: Gradient?
    /// Whether no checkpoint supplied it: it started from an initializer.
    public let isNew: Bool
    /// A frozen parameter takes no gradient.
    public var isTrainable = true
    private let state: Mutex<State>

    private struct State {
        var stored: StoredTensor
        var packed: [Packing: PackedMatrix] = [:]
    }

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

    public init(_ name: String, _ value: StoredTensor, isNew: Bool = false) {
        self.name = name
        self.isNew = isNew
        state = Mutex(State(stored: value))
    }

    /// The value where it is: in the checkpoint's file, until `value` or `update` brings it into memory.
    public var stored: StoredTensor { state.withLock { $0.stored } }

    public var shape: Shape { stored.shape }

    /// The value in memory.
    public var value: Tensor {
        state.withLock { state in
            if !state.stored.isTensor { state.stored = StoredTensor(state.stored.tensor) }
            return state.stored.tensor
        }
    }

    /// Changes the value, in place unless somebody else holds it.
    public func update(_ body: (inout Tensor) -> Void) {
        var value = state.withLock { state in
            let value = state.stored.tensor
            state = State(stored: StoredTensor(.zeros([0])))
            return value
        }
        body(&value)
        state.withLock { [value] in $0.stored = StoredTensor(value) }
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
    public func accumulate(transposed a: ProductOperand, _ b: ProductOperand) {
        guard isTrainable else { return }
        if gradient == nil {
            gradient = .dense(matmul(transposed: a, b))
        } else {
            accumulate { $0.addProduct(transposed: a, b) }
        }
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

    /// How a matrix is laid out for products: what `x·Wᵀ` reads, or what `g·W` reads.
    struct Packing: Hashable {
        var isTransposed: Bool
        var precision: Precision
    }

    /// The value as the engine reads it fastest; kept after `pack`, else made anew for this call.
    func packed(_ packing: Packing) -> PackedMatrix {
        state.withLock { $0.packed[packing] }
            ?? (packing.isTransposed
                ? PackedMatrix(value.transposed, packing.precision) : PackedMatrix(value, packing.precision))
    }

    /// Keeps the packed value until the next change. Call it before several threads use the model.
    func pack(_ packing: Packing) {
        let matrix = packed(packing)
        state.withLock { $0.packed[packing] = matrix }
    }

    /// Gives the memory of packed values back.
    func unpack() { state.withLock { $0.packed = [:] } }
}
