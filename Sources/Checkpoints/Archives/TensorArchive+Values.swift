public import Tensors

extension TensorArchive {
    /// A tensor's values, read in place where the file holds them as this machine does.
    ///
    /// - Throws: `notFloatingPoint` for integers; `checksum` for values that changed since they were written.
    public func stored(_ entry: TensorEntry) throws(CheckpointError) -> StoredTensor {
        guard entry.dataType == .float32, entry.place.strides == nil, entry.shape.count > 0 else {
            return StoredTensor(try tensor(entry))
        }
        try entry.checkChecksum()
        let file = entry.place.file
        let inPlace: StoredTensor? = unsafe file.withUnsafeBytes { bytes in
            let start = unsafe bytes.baseAddress! + entry.place.offset
            guard Int(bitPattern: start) % MemoryLayout<Float>.alignment == 0 else { return nil }
            return unsafe StoredTensor(entry.shape, start.assumingMemoryBound(to: Float.self), owner: file)
        }
        return if let inPlace { inPlace } else { StoredTensor(try tensor(entry)) }
    }

    /// A copy of a tensor's values in `Float`. Values of f16, bf16 and f32 are exact, those of f64 rounded.
    ///
    /// - Throws: as `stored`.
    public func tensor(_ entry: TensorEntry) throws(CheckpointError) -> Tensor {
        try entry.checkChecksum()
        let values: [Float] =
            switch entry.dataType {
            case .float32: entry.values(UInt32.self) { Float(bitPattern: $0) }
            case .float16: entry.values(UInt16.self, float(fromHalf:))
            case .bfloat16: entry.values(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
            case .float64: entry.values(UInt64.self) { Float(Double(bitPattern: $0)) }
            default: throw .notFloatingPoint(entry.place.file.path, name: entry.name, entry.dataType)
            }
        entry.releasePages()
        return Tensor(entry.shape, values)
    }

    /// The values as the file has them, row-major.
    func bytes(_ entry: TensorEntry) throws(CheckpointError) -> [UInt8] {
        try entry.checkChecksum()
        func bytes<Stored: FixedWidthInteger & BitwiseCopyable>(_ type: Stored.Type) -> [UInt8] {
            entry.values(type) { $0 }.flatMap { value in
                (0..<Stored.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
            }
        }
        return switch entry.dataType.byteCount {
        case 8: bytes(UInt64.self)
        case 4: bytes(UInt32.self)
        case 2: bytes(UInt16.self)
        default: bytes(UInt8.self)
        }
    }
}

extension TensorEntry {
    fileprivate func checkChecksum() throws(CheckpointError) {
        guard let expected = place.checksum else { return }
        let found = unsafe place.file.withUnsafeBytes { bytes in
            unsafe CRC32C.masked(UnsafeRawBufferPointer(rebasing: bytes[storedRange]))
        }
        guard found == expected else { throw .invalidTensorFlow(place.file.path, .checksum(of: "\"\(name)\"")) }
    }

    /// The bytes between the first and the last value. Meant for values without gaps.
    private var storedRange: Range<Int> { place.offset..<place.offset + shape.count * dataType.byteCount }

    /// Gives back the memory of pages that were copied. They come from the file again if somebody asks.
    func releasePages() {
        if place.strides == nil || place.checksum != nil { place.file.release(storedRange) }
    }

    /// The values in row-major order, each converted.
    fileprivate func values<Stored: BitwiseCopyable, Value>(
        _ type: Stored.Type, _ convert: (Stored) -> Value
    ) -> [Value] {
        let count = shape.count
        return unsafe [Value](unsafeUninitializedCapacity: count) { output, initialized in
            defer { initialized = count }
            guard count > 0 else { return }
            unsafe place.file.withUnsafeBytes { bytes in
                let size = MemoryLayout<Stored>.size
                let data = unsafe UnsafeRawBufferPointer(rebasing: bytes[place.offset...])
                guard let strides = place.strides else {
                    for i in 0..<count {
                        let value = unsafe data.loadUnaligned(fromByteOffset: i * size, as: type)
                        unsafe output.initializeElement(at: i, to: convert(value))
                    }
                    return
                }
                forEachTile(shape.dimensions, strides) { target, rows, columns, source, rowStride, columnStride in
                    for row in rows {
                        for column in columns {
                            let position = source + row * rowStride + column * columnStride
                            let value = unsafe data.loadUnaligned(fromByteOffset: position * size, as: type)
                            unsafe output.initializeElement(
                                at: target + row * shape.columns + column, to: convert(value))
                        }
                    }
                }
            }
        }
    }
}

/// Walks over a strided tensor in tiles of its last two dimensions, so that a transposed matrix is read line by line of
/// the cache.
private func forEachTile(
    _ dimensions: [Int], _ strides: [Int],
    _ body: (
        _ target: Int, _ rows: Range<Int>, _ columns: Range<Int>, _ source: Int, _ rowStride: Int, _ columnStride: Int
    ) -> Void
) {
    let tile = 32
    let dimensions = [1, 1] + dimensions
    let strides = [0, 0] + strides
    let rank = dimensions.count
    let (rows, columns) = (dimensions[rank - 2], dimensions[rank - 1])
    for matrix in 0..<dimensions.dropLast(2).reduce(1, *) {
        var (rest, source) = (matrix, 0)
        for dimension in (0..<rank - 2).reversed() {
            source += rest % dimensions[dimension] * strides[dimension]
            rest /= dimensions[dimension]
        }
        for row in stride(from: 0, to: rows, by: tile) {
            for column in stride(from: 0, to: columns, by: tile) {
                body(
                    matrix * rows * columns, row..<min(row + tile, rows), column..<min(column + tile, columns),
                    source, strides[rank - 2], strides[rank - 1])
            }
        }
    }
}
