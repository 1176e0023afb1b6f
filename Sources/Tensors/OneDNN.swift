import COneDNN
import Glibc
import Synchronization

/// Matrix products by oneDNN, compiled once for each size.
///
/// Source: oneAPI Deep Neural Network Library, developer guide, "Matrix Multiplication".
enum OneDNN {
    /// A compiled product. The library allows several threads to execute one at once.
    @safe private struct Primitive: @unchecked Sendable {  // see above; never changed after creation
        let pointer: OpaquePointer
    }

    /// A compiled conversion to the layout of packed right-hand sides, as safe to share.
    @safe struct Packer: @unchecked Sendable {  // see above
        fileprivate let pointer: OpaquePointer

        /// Bytes of a packed right-hand side.
        var packedSize: Int { unsafe conednn_packed_size(pointer) }

        /// - Parameter matrix: values as the packer's product describes them, bytes for integers, else floats.
        @unsafe
        func pack(_ matrix: UnsafeRawPointer, into packed: UnsafeMutableRawPointer) {
            let status = unsafe conednn_pack(pointer, matrix, packed)
            precondition(status == 0, "oneDNN failed to pack a matrix: status \(status)")
        }
    }

    private static let primitives = Mutex<[MatrixProduct: Primitive]>([:])
    private static let packers = Mutex<[MatrixProduct: Packer]>([:])

    static let reasonUnavailable: String? = unsafe conednn_load().map { unsafe String(cString: $0) }

    static var details: String { unsafe "\(String(cString: conednn_version())), \(instructionSet)" }

    /// Whether the library uses an instruction set of `conednn.h`, or a newer one that holds it.
    static func has<Set: BinaryInteger>(_ set: Set) -> Bool { conednn_has(Int32(set)) != 0 }

    static var instructionSet: String { unsafe String(cString: conednn_instruction_set()) }

    @unsafe
    static func compute(
        _ product: MatrixProduct, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, bias: UnsafePointer<Float>?,
        _ c: UnsafeMutablePointer<Float>
    ) {
        let primitive = primitive(for: product)
        let status = unsafe conednn_execute(primitive.pointer, a, b, bias, c)
        precondition(status == 0, "oneDNN failed to compute \(product): status \(status)")
    }

    private static func primitive(for product: MatrixProduct) -> Primitive {
        if let known = primitives.withLock({ $0[product] }) { return known }
        var description = product.conednn
        let packer = product.isPacked ? packer(for: product) : nil
        guard let pointer = unsafe conednn_create(&description, packer?.pointer) else {
            preconditionFailure("oneDNN has no implementation of \(product)")
        }
        let primitive = unsafe Primitive(pointer: pointer)
        primitives.withLock { $0[product] = primitive }
        return primitive
    }

    /// The packer of a product's right-hand side, the same for all numbers of rows.
    static func packer(for product: MatrixProduct) -> Packer {
        var general = product
        general.rows = RowBlocks.largest
        general.accumulates = false
        general.hasBias = false
        general.c.rowStride = general.columns
        general.a.rowStride = general.depth
        if let known = packers.withLock({ $0[general] }) { return known }
        var description = general.conednn
        guard let pointer = unsafe conednn_packer_create(&description) else {
            preconditionFailure("oneDNN cannot pack \(general)")
        }
        let packer = unsafe Packer(pointer: pointer)
        packers.withLock { $0[general] = packer }
        return packer
    }

    /// The products of one packed matrix, with blocks of few different numbers of rows.
    final class FrozenProducts: Sendable {
        private let weights: AlignedBuffer
        var byteCount: Int { panelSize * panels }
        /// How many panels of columns can be computed each on its own; 1 where the layout does not allow it.
        let panels: Int
        let panelColumns: Int
        private let general: MatrixProduct
        private let panelSize: Int
        private let primitives = Mutex<[Int: Primitive]>([:])

        /// A multiple of the widest blocks of columns, and half of the smallest encoders' rows.
        private static let preferredPanelColumns = 192

        /// Packs a matrix, `[columns, depth]`, for products of one precision.
        ///
        /// - Parameter matrix: bytes where the precision is `int8`, else floats.
        @unsafe
        init(_ matrix: UnsafeRawPointer, columns: Int, depth: Int, precision: Precision) {
            func product(_ columns: Int) -> MatrixProduct {
                MatrixProduct(
                    rows: RowBlocks.largest, columns: columns, depth: depth, a: MatrixLayout(rowStride: depth),
                    b: MatrixLayout(rowStride: 1, columnStride: depth), c: MatrixLayout(rowStride: columns),
                    hasBias: precision != .int8, isPacked: true, precision: precision)
            }
            general = product(columns)
            let packer = OneDNN.packer(for: general)
            weights = AlignedBuffer(byteCount: packer.packedSize)
            unsafe packer.pack(matrix, into: weights.pointer)
            let width = Self.preferredPanelColumns
            let isDivisible =
                columns > width && columns % width == 0
                && Self.isDivisible(general, into: OneDNN.packer(for: product(width)))
            panels = isDivisible ? columns / width : 1
            panelColumns = isDivisible ? width : columns
            panelSize = packer.packedSize / panels
        }

        /// Whether a panel of columns is packed alone as it is packed in the whole: asked once for every size, of a matrix
        /// whose values tell where they stand.
        private static func isDivisible(_ general: MatrixProduct, into part: Packer) -> Bool {
            if let known = divisible.withLock({ $0[general] }) { return known }
            let whole = OneDNN.packer(for: general)
            let panels = general.columns / preferredPanelColumns
            var isEqual = part.packedSize * panels == whole.packedSize
            if isEqual {
                let (packed, alone) = (
                    AlignedBuffer(byteCount: whole.packedSize), AlignedBuffer(byteCount: part.packedSize)
                )
                let count = general.columns * general.depth
                // Odd steps through 251 numbers, all of them exact in every precision.
                let elementSize = general.precision == .int8 ? 1 : 4
                let matrix = AlignedBuffer(byteCount: count * elementSize)
                for i in 0..<count {
                    let value = (i &* 97 &+ i / general.depth &* 31) % 251 - 125
                    if elementSize == 1 {
                        unsafe matrix.pointer.storeBytes(of: Int8(value), toByteOffset: i, as: Int8.self)
                    } else {
                        unsafe matrix.floats[i] = Float(value)
                    }
                }
                unsafe whole.pack(matrix.pointer, into: packed.pointer)
                for panel in 0..<panels where isEqual {
                    let first = panel * preferredPanelColumns * general.depth * elementSize
                    unsafe part.pack(matrix.pointer + first, into: alone.pointer)
                    isEqual =
                        unsafe memcmp(
                            alone.pointer, packed.pointer + panel * part.packedSize, part.packedSize) == 0
                }
            }
            divisible.withLock { $0[general] = isEqual }
            return isEqual
        }

        private static let divisible = Mutex<[MatrixProduct: Bool]>([:])

        /// - Parameters:
        ///   - panel: `nil` for all columns.
        ///   - bias: of all columns; sums of integers take none.
        ///   - output: rows of all columns, or of the panel's.
        @unsafe
        func compute(
            rows: Int, panel: Int?, accumulates: Bool, _ input: UnsafeRawPointer,
            bias: UnsafePointer<Float>, _ output: UnsafeMutableRawPointer
        ) {
            let key = rows << 2 | (panel == nil ? 2 : 0) | (accumulates ? 1 : 0)
            let primitive = primitives.withLock { known in
                if let primitive = known[key] { return primitive }
                var product = general
                product.rows = rows
                product.accumulates = accumulates && product.precision != .int8
                if panel != nil {
                    product.columns = panelColumns
                    product.c.rowStride = panelColumns
                }
                let primitive = OneDNN.primitive(for: product)
                known[key] = primitive
                return primitive
            }
            let index = panel ?? 0
            let status = unsafe conednn_execute(
                primitive.pointer, input, weights.pointer + index * panelSize,
                general.hasBias ? bias + index * panelColumns : nil, output)
            precondition(status == 0, "oneDNN failed to compute \(general) with \(rows) rows: status \(status)")
        }
    }
}

extension MatrixProduct {
    fileprivate var conednn: conednn_product {
        conednn_product(
            rows: Int64(rows), columns: Int64(columns), depth: Int64(depth),
            a_row: Int64(a.rowStride), a_column: Int64(a.columnStride),
            b_row: Int64(b.rowStride), b_column: Int64(b.columnStride),
            c_row: Int64(c.rowStride), has_bias: hasBias ? 1 : 0,
            accumulates: accumulates ? 1 : 0, b_is_packed: isPacked ? 1 : 0, a_type: types.a, b_type: types.b,
            c_type: types.c)
    }

    private var types: (a: Int32, b: Int32, c: Int32) {
        let (single, half) = (Int32(conednn_f32), Int32(conednn_bf16))
        return switch precision {
        case .f32: (single, single, single)
        case .bf16: (half, half, single)
        case .int8: (Int32(conednn_u8), Int32(conednn_s8), Int32(conednn_s32))
        }
    }
}
