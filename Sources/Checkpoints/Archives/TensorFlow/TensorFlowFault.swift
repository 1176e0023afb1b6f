/// What is wrong with a TensorFlow checkpoint.
public enum TensorFlowFault: Error, Equatable, Sendable, CustomStringConvertible {
    case notATable
    case truncated(offset: Int)
    case malformed(String, offset: Int)
    case checksum(of: String)
    case compressed
    case bigEndian
    case objectGraph
    case sliced(name: String)
    case unsupportedDataType(name: String, Int)
    case sizeMismatch(name: String, bytes: Int, expected: Int)
    case outsideFile(name: String, shard: String)
    case overlap(name: String, other: String)
    case duplicateName(String)

    public var description: String {
        switch self {
        case .notATable: "it does not end as an index of TensorFlow does (truncated?)"
        case .truncated(let offset): "it ends too early, at byte \(offset)"
        case .malformed(let what, let offset): "\(what) at byte \(offset)"
        case .checksum(let what): "the checksum of \(what) is wrong"
        case .compressed: "it is compressed, which TensorFlow's own index never is"
        case .bigEndian: "its values are big-endian, which this version does not read"
        case .objectGraph: "it is an object checkpoint of TensorFlow 2; only those with named variables are read"
        case .sliced(let name): "\"\(name)\" is partitioned, which this version does not read"
        case .unsupportedDataType(let name, let type): "\"\(name)\" has data type \(type), which is no weight's"
        case .sizeMismatch(let name, let bytes, let expected):
            "\"\(name)\" has \(bytes) bytes; its shape calls for \(expected)"
        case .outsideFile(let name, let shard): "\"\(name)\" reaches beyond \(shard) (truncated?)"
        case .overlap(let name, let other): "\"\(name)\" lies over \"\(other)\""
        case .duplicateName(let name): "two variables become \"\(name)\""
        }
    }
}
