/// A matrix as a product reads it: in f32, or rounded to bfloat16 once for all products that read it.
public struct ProductOperand: Sendable {
    public let shape: Shape
    private let storage: Storage

    private enum Storage: Sendable {
        case singles(Tensor)
        case halves([UInt16])
    }

    /// - Precondition: the precision is f32 or bf16.
    public init(_ tensor: Tensor, _ precision: Precision = .f32) {
        shape = tensor.shape
        switch precision {
        case .f32: storage = .singles(tensor)
        case .bf16: storage = .halves(tensor.roundedToHalves())
        case .int8: preconditionFailure("bytes are for inference")
        }
    }

    public var precision: Precision {
        if case .halves = storage { .bf16 } else { .f32 }
    }

    public var rows: Int { shape.rows }
    public var columns: Int { shape.columns }

    /// The matrix in f32, as it was rounded.
    public var tensor: Tensor {
        switch storage {
        case .singles(let tensor): tensor
        case .halves(let values): Tensor(shape, values.map { Float(bitPattern: UInt32($0) << 16) })
        }
    }

    /// The same without what the mask drops.
    public func dropping(_ mask: DropoutMask?) -> ProductOperand {
        guard let mask else { return self }
        var values = tensor
        values.apply(mask)
        return ProductOperand(values, precision)
    }

    @unsafe
    func withValues(_ body: (UnsafeRawPointer?) -> Void) {
        switch storage {
        case .singles(let tensor): unsafe tensor.values.withUnsafeBytes { unsafe body($0.baseAddress) }
        case .halves(let values): unsafe values.withUnsafeBytes { unsafe body($0.baseAddress) }
        }
    }
}

extension Tensor {
    fileprivate func roundedToHalves() -> [UInt16] {
        let count = count
        let part = 16_384
        return unsafe [UInt16](unsafeUninitializedCapacity: capacity(for: count)) { halves, initialized in
            unsafe values.withUnsafeBufferPointer { values in
                guard let target = halves.baseAddress, let source = values.baseAddress else { return }
                ThreadPool.shared.run((count + part - 1) / part) { block in
                    let start = block * part
                    unsafe roundToHalves(source + start, target + start, min(part, count - start))
                }
            }
            initialized = count
        }
    }
}
