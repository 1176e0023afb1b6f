public import Checkpoints
import FoundationEssentials
public import JSON
public import SystemPackage
public import Tensors

/// The files under `Tests/Golden`, made by reference implementations.
public enum Golden {
    /// The repository's root.
    public static let root = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()

    public static func directory(_ name: String) -> FilePath { root.appending("Tests/Golden").appending(name) }

    public static func json(_ directory: FilePath, _ name: String = "expected.json") throws -> JSON {
        guard let bytes = contents(of: directory.appending(name)) else { throw Errno.noSuchFileOrDirectory }
        return try JSON(parsing: bytes)
    }

    /// A file of little-endian float32 written by NumPy.
    public static func npy(_ path: FilePath) throws -> Tensor {
        guard let bytes = contents(of: path) else { throw Errno.noSuchFileOrDirectory }
        let headerLength = Int(bytes[8]) | Int(bytes[9]) << 8
        let header = String(decoding: bytes[10..<10 + headerLength], as: UTF8.self)
        let shape = header.split(separator: "(")[1].split(separator: ")")[0].split(separator: ",")
            .compactMap { Int($0.filter { $0 != " " }) }
        let data = bytes[(10 + headerLength)...]
        let values = stride(from: data.startIndex, to: data.endIndex, by: 4).map { start in
            Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(data[start + $1]) << UInt32(8 * $1) })
        }
        return Tensor(Shape(shape), values)
    }
}

extension TensorArchive {
    /// A tensor that must be there.
    public func values(_ name: String) throws -> Tensor {
        guard let entry = self[name] else { throw CheckpointError.missingTensor(path, name: name) }
        return try tensor(entry)
    }
}

extension JSON {
    public var integers: [Int] { (array ?? []).compactMap(\.integer) }
    public var numbers: [Double] { (array ?? []).compactMap(\.number) }
}

extension Tensor {
    /// Whether two results of one computation on other rows beside are what the engine promises: the same bits, or with
    /// OpenBLAS the same to rounding.
    public func isSameRows(as other: Tensor) -> Bool {
        MatrixEngine.current.hasIndependentRows ? self == other : relativeDifference(from: other) < 1e-5
    }

    /// The largest difference, relative to the largest of the expected values.
    public func relativeDifference(from expected: Tensor) -> Float {
        let size = expected.values.reduce(0) { max($0, abs($1)) }
        return largestDifference(from: expected) / max(size, 1e-20)
    }
}
