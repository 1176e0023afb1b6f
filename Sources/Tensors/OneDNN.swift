import COneDNN
import Synchronization

/// Matrix products by oneDNN, compiled once for each size.
///
/// Source: oneAPI Deep Neural Network Library, developer guide, "Matrix Multiplication".
enum OneDNN {
    /// A compiled product. The library allows several threads to execute one at once.
    @safe private struct Primitive: @unchecked Sendable {  // see above; never changed after creation
        let pointer: OpaquePointer
    }

    private static let primitives = Mutex<[MatrixProduct: Primitive]>([:])

    static let reasonUnavailable: String? = unsafe conednn_load().map { unsafe String(cString: $0) }

    static var details: String {
        unsafe "\(String(cString: conednn_version())), \(String(cString: conednn_instruction_set()))"
    }

    @unsafe
    static func compute(
        _ product: MatrixProduct, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
        _ c: UnsafeMutablePointer<Float>
    ) {
        let primitive = primitive(for: product)
        let status = unsafe conednn_execute(primitive.pointer, a, b, bias, c)
        precondition(status == 0, "oneDNN failed to compute \(product): status \(status)")
    }

    private static func primitive(for product: MatrixProduct) -> Primitive {
        if let known = primitives.withLock({ $0[product] }) { return known }
        var description = product.conednn
        guard let pointer = unsafe conednn_create(&description) else {
            preconditionFailure("oneDNN has no implementation of \(product)")
        }
        let primitive = unsafe Primitive(pointer: pointer)
        primitives.withLock { $0[product] = primitive }
        return primitive
    }

    /// Bytes of the packed right-hand side.
    static func packedSize(_ product: MatrixProduct) -> Int {
        var description = product.conednn
        return unsafe conednn_packed_size(&description)
    }

    @unsafe
    static func pack(_ product: MatrixProduct, _ b: UnsafePointer<Float>, into packed: UnsafeMutableRawPointer) {
        var description = product.conednn
        let status = unsafe conednn_pack(&description, b, packed)
        precondition(status == 0, "oneDNN failed to pack \(product): status \(status)")
    }
}

extension MatrixProduct {
    fileprivate var conednn: conednn_product {
        conednn_product(
            batch: Int64(batch), rows: Int64(rows), columns: Int64(columns), depth: Int64(depth),
            a_batch: Int64(a.batchStride), a_row: Int64(a.rowStride), a_column: Int64(a.columnStride),
            b_batch: Int64(b.batchStride), b_row: Int64(b.rowStride), b_column: Int64(b.columnStride),
            c_batch: Int64(c.batchStride), c_row: Int64(c.rowStride), has_bias: hasBias ? 1 : 0,
            accumulates: accumulates ? 1 : 0, b_is_packed: isPacked ? 1 : 0)
    }
}
