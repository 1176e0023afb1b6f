/// What is wrong with a file that torch.save should have written.
public enum TorchFault: Error, Equatable, Sendable {
    /// What the file is instead, where that can be told.
    case notTorch(found: String)
    case zip(String)
    case truncated(offset: Int)
    case malformed(String, offset: Int)
    /// Something that only running code could build.
    case refused(String, offset: Int)
    /// A tensor that is not what its storage says, such as one whose sign is to be changed.
    case metadata(offset: Int)
    case tooLarge(String, limit: Int)
    case bigEndian
    case noTensors
    case severalDictionaries([String])
    case missingStorage(key: String, name: String)
    case storageSize(key: String, bytes: Int, expected: Int)
    case outsideStorage(name: String)
    case repeatedValues(count: Int, bytes: Int)
    case duplicateName(String)
}

extension TorchFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notTorch(let found): "it is \(found); expected a file of torch.save"
        case .zip(let reason): reason
        case .truncated(let offset): "it ends too early, at byte \(offset)"
        case .malformed(let what, let offset): "\(what) at byte \(offset)"
        case .refused(let name, let offset):
            "its pickle asks at byte \(offset) for \(name), which would run code; only tensors in dictionaries are read"
        case .metadata(let offset):
            "a tensor at byte \(offset) is a view that changes its values (negated or conjugate), which is not read"
        case .tooLarge(let what, let limit): "\(what); the limit is \(limit)"
        case .bigEndian: "its values are big-endian, which this version does not read"
        case .noTensors: "it holds no dictionary of tensors, at the top or as \(TorchFault.dictionaryNames)"
        case .severalDictionaries(let names):
            "it holds several dictionaries of tensors: \(names.joined(separator: ", "))"
        case .missingStorage(let key, let name): "storage \(key) of \"\(name)\" is not in the file"
        case .storageSize(let key, let bytes, let expected):
            "storage \(key) has \(bytes) bytes; the pickle calls for \(expected)"
        case .outsideStorage(let name): "\"\(name)\" reaches beyond its storage"
        case .repeatedValues(let count, let bytes):
            "its tensors have \(count) values in \(bytes) bytes: views that repeat values are not read"
        case .duplicateName(let name): "two tensors are named \"\(name)\""
        }
    }

    private static var dictionaryNames: String {
        TorchCheckpoint.dictionaryKeys.map { "\"\($0)\"" }.joined(separator: ", ")
    }
}
