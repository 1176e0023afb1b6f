public import Tensors

extension TensorArchive {
    /// A matrix whose rows are read in place, in the type in which the file holds them: real numbers, or I8.
    ///
    /// - Throws: `notFloatingPoint` for other types; `invalidValue` for what is no matrix of whole rows; `checksum` for
    ///   values that changed since they were written.
    public func rows(_ entry: TensorEntry) throws(CheckpointError) -> StoredRows {
        let element: StoredRows.Element
        switch entry.dataType {
        case .float32: element = .float32
        case .float16: element = .float16
        case .bfloat16: element = .bfloat16
        case .float64: element = .float64
        case .int8: element = .int8
        default: throw .notFloatingPoint(entry.place.file.path, name: entry.name, entry.dataType)
        }
        guard entry.shape.dimensions.count == 2, entry.shape.count > 0, entry.place.strides == nil else {
            throw .invalidValue(path, key: entry.name, found: "\(entry.shape)", expected: "a matrix, row by row")
        }
        try entry.checkChecksum()
        return unsafe entry.place.file.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { preconditionFailure("\(entry.name) in no bytes") }
            return unsafe StoredRows(
                rows: entry.shape.rows, columns: entry.shape.columns, element, base + entry.place.offset,
                owner: entry.place.file)
        }
    }

    /// A copy of a tensor of whole numbers.
    ///
    /// - Throws: `invalidValue` for other types than I64 and I32.
    public func integers(_ entry: TensorEntry) throws(CheckpointError) -> [Int] {
        try entry.checkChecksum()
        switch entry.dataType {
        case .int64: return entry.values(Int64.self) { Int($0) }
        case .int32: return entry.values(Int32.self) { Int($0) }
        default: throw .invalidValue(path, key: entry.name, found: entry.dataType.rawValue, expected: "I64 or I32")
        }
    }
}
