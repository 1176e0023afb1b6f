import Checkpoints
public import SystemPackage
public import Tensors

/// Vectors in a NumPy file, read in place: `[rows, columns]`.
public struct NPYFile: Sendable {
    public let header: NPYHeader
    private let file: MappedFile

    public init(_ path: FilePath) throws(SearchError) {
        do throws(CheckpointError) { file = try MappedFile(path) } catch { throw .file(error) }
        do throws(NPYFault) { header = try NPYHeader(of: file) } catch { throw .npy(path, error) }
    }

    /// Squares of larger values, and their sums, come near the end of binary32.
    static let valueLimit: Float = 1e15

    public var rows: Int { header.rows }
    public var columns: Int { header.columns }

    /// Some of the vectors in f32, `[range.count, columns]`.
    ///
    /// - Throws: `NPYFault.notFinite`, `NPYFault.tooLarge`.
    public func vectors(_ range: Range<Int>) throws(SearchError) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
        let values: [Float] =
            switch header.element {
            case .float16: values(range, Float16.self) { Float($0) }
            case .float32: values(range, Float.self) { $0 }
            case .float64: values(range, Double.self) { Float($0) }
            case .int8: values(range, Int8.self) { Float($0) }
            case .uint8: values(range, UInt8.self) { Float($0) }
            }
        let tensor = Tensor([range.count, columns], values)
        if !tensor.isFinite {
            let place = values.firstIndex { !$0.isFinite } ?? 0
            throw .npy(file.path, .notFinite(row: range.lowerBound + place / columns))
        }
        if let place = values.firstIndex(where: { abs($0) >= Self.valueLimit }) {
            throw .npy(file.path, .tooLarge(row: range.lowerBound + place / columns))
        }
        return tensor
    }

    private func values<Stored: BitwiseCopyable>(
        _ range: Range<Int>, _ type: Stored.Type, _ convert: (Stored) -> Float
    ) -> [Float] {
        let size = MemoryLayout<Stored>.size
        let start = header.dataStart + range.lowerBound * columns * size
        return unsafe file.withUnsafeBytes { bytes in
            (0..<range.count * columns).map { index in
                unsafe convert(bytes.loadUnaligned(fromByteOffset: start + index * size, as: type))
            }
        }
    }
}
