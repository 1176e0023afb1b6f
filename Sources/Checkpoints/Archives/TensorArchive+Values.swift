public import Tensors

extension TensorArchive {
    /// A tensor's values where the file holds them. Matrices in another form than this machine's are converted when they
    /// are read, so that the memory of both forms is needed for one of them at a time; what is no matrix is copied.
    ///
    /// - Throws: `notFloatingPoint` for integers; `checksum` for values that changed since they were written.
    public func stored(_ entry: TensorEntry) throws(CheckpointError) -> StoredTensor {
        try entry.checkReadable()
        return entry.inPlace ?? entry.converting ?? StoredTensor(entry.tensor)
    }

    /// A copy of a tensor's values in `Float`. Values of f16, bf16 and f32 are exact, those of f64 rounded.
    ///
    /// - Throws: as `stored`.
    public func tensor(_ entry: TensorEntry) throws(CheckpointError) -> Tensor {
        try entry.checkReadable()
        return entry.tensor
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
    fileprivate func checkReadable() throws(CheckpointError) {
        guard dataType.isFloatingPoint else { throw .notFloatingPoint(place.file.path, name: name, dataType) }
        try checkChecksum()
    }

    /// The values as they lie in the file, where that is how this machine has them.
    fileprivate var inPlace: StoredTensor? {
        guard dataType == .float32, place.strides == nil, shape.count > 0 else { return nil }
        return unsafe place.file.withUnsafeBytes { bytes in
            let start = unsafe bytes.baseAddress! + place.offset
            guard Int(bitPattern: start) % MemoryLayout<Float>.alignment == 0 else { return nil }
            return unsafe StoredTensor(shape, start.assumingMemoryBound(to: Float.self), owner: place.file)
        }
    }

    fileprivate var converting: StoredTensor? {
        shape.dimensions.count == 2 ? StoredTensor(shape) { rows(of: self, $0).tensor } : nil
    }

    /// - Precondition: the values are real numbers.
    fileprivate var tensor: Tensor {
        let values: [Float] =
            switch dataType {
            case .float32: values(UInt32.self) { Float(bitPattern: $0) }
            case .float16: values(Float16.self) { Float($0) }
            case .bfloat16: values(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
            case .float64: values(Double.self) { Float($0) }
            default: preconditionFailure("\(dataType) is no real number")
            }
        releasePages()
        return Tensor(shape, values)
    }

    func checkChecksum() throws(CheckpointError) {
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
    func values<Stored: BitwiseCopyable, Value>(
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

/// Some rows of a matrix, whose checksum was checked before.
private func rows(of entry: TensorEntry, _ range: Range<Int>) -> TensorEntry {
    if range == 0..<entry.shape.rows { return entry }
    let stride = entry.place.strides?[0] ?? entry.shape.columns
    let place = entry.place
    return TensorEntry(
        name: entry.name, dataType: entry.dataType, shape: [range.count, entry.shape.columns],
        place: TensorPlace(
            file: place.file, offset: place.offset + range.lowerBound * stride * entry.dataType.byteCount,
            strides: place.strides))
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
