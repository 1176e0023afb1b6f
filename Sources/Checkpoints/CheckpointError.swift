public import JSON
public import SystemPackage
public import Tensors

/// What a checkpoint's files, or the place to write one, got wrong.
public enum CheckpointError: Error, Equatable, Sendable {
    case missingFile(FilePath, purpose: String)
    case unreadable(FilePath, Errno)
    case unwritable(FilePath, Errno)
    case outputExists(FilePath)
    case invalidJSON(FilePath, JSONError)
    /// A value of a JSON file that is absent (`found` is nil) or not what it should be.
    case invalidValue(FilePath, key: String, found: String?, expected: String)
    case invalidHeader(FilePath, SafeTensorsFault)
    case invalidTorch(FilePath, TorchFault)
    case invalidTensorFlow(FilePath, TensorFlowFault)
    case invalidShards(FilePath, ShardFault)
    case noWeights(FilePath)
    case severalWeights(FilePath, [String])
    /// A link of a model directory that leads to a file elsewhere.
    case leadsOutside(FilePath, target: FilePath)
    case notFloatingPoint(FilePath, name: String, DataType)
    /// A weight that is infinite or not a number.
    case notFinite(FilePath, name: String)
    /// A value too large for the data type that was asked for.
    case notRepresentable(FilePath, name: String, DataType)
    case missingTensor(FilePath, name: String)
    case shapeMismatch(FilePath, name: String, found: Shape, expected: Shape)
    case unusedTensors(FilePath, names: [String])
    case unsupportedArchitecture(FilePath, found: String, supported: [String])
    case unsupportedFormat(FilePath, format: String)
    /// A file or directory whose writing was stopped.
    case cancelled(FilePath)
}

/// What is wrong with a safetensors file.
public enum SafeTensorsFault: Error, Equatable, Sendable {
    case tooShort(bytes: Int)
    case headerBeyondFile(headerBytes: UInt64, fileBytes: Int)
    case headerTooLong(bytes: UInt64, limit: Int)
    case notJSON(JSONError)
    case notAnObject
    case duplicateName(String)
    case badEntry(name: String, field: String, expected: String)
    case unsupportedDataType(name: String, String)
    case sizeMismatch(name: String, bytes: Int, expected: Int)
    case gapOrOverlap(name: String, begin: Int, expected: Int)
    case dataLength(found: Int, expected: Int)
}

extension CheckpointError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missingFile(let file, let purpose):
            "\(file): no such file; it holds \(purpose). Check the path, and whether everything was copied."
        case .unreadable(let file, let error):
            "\(file): cannot be read: \(error). Check the path and its permissions."
        case .unwritable(let file, .noSpace):
            "\(file): cannot be written: the disk is full. Free some space, or choose another place; nothing was kept."
        case .unwritable(let file, let error):
            "\(file): cannot be written: \(error). Check the path, its permissions and the free space."
        case .outputExists(let path):
            "\(path): exists already. Choose another output, or remove it first."
        case .invalidJSON(let file, let error):
            "\(file): not valid JSON: \(error). Is the file complete?"
        case .invalidValue(let file, let key, let found, let expected):
            "\(file): \"\(key)\" is \(found ?? "missing"); expected \(expected)."
        case .invalidHeader(let file, let fault):
            "\(file): not a valid safetensors file: \(fault). Fetch or copy it again."
        case .invalidTorch(let file, let fault):
            "\(file): not a PyTorch checkpoint that can be read: \(fault). Fetch it again, or take model.safetensors."
        case .invalidTensorFlow(let file, let fault):
            "\(file): not a TensorFlow checkpoint that can be read: \(fault). Fetch or copy it again."
        case .invalidShards(let file, let fault):
            "\(file): the checkpoint's files do not fit together: \(fault). Fetch or copy all of them again."
        case .noWeights(let directory):
            "\(directory): holds no weights; expected \(ModelDirectory.weightNames.joined(separator: ", ")) "
                + "or a TensorFlow checkpoint (*.ckpt.index). Is the directory a complete model?"
        case .severalWeights(let directory, let names):
            "\(directory): holds several TensorFlow checkpoints: \(names.joined(separator: ", ")). Remove all but one."
        case .leadsOutside(let file, let target):
            "\(file): a link out of the model's directory, to \(target). Put the file itself there."
        case .notFloatingPoint(let file, let name, let type):
            "\(file): \"\(name)\" has data type \(type.rawValue); a weight has F32, F16, BF16 or F64."
        case .notFinite(let file, let name):
            "\(file): \"\(name)\" holds a value that is infinite or not a number. "
                + "The model was damaged, or its training went wrong."
        case .notRepresentable(let file, let name, let type):
            "\(file): \"\(name)\" holds a value too large for \(type.rawValue). "
                + (type == .float16 ? "Use --dtype bf16 or f32." : "Leave out --dtype.")
        case .missingTensor(let file, let name):
            "\(file): has no tensor \"\(name)\", which config.json calls for. Do both files come from the same model?"
        case .shapeMismatch(let file, let name, let found, let expected):
            "\(file): \"\(name)\" has shape \(found); config.json calls for \(expected). "
                + "Do both files come from the same model?"
        case .unusedTensors(let file, let names):
            "\(file): \(names.count.counted("tensor has", "tensors have")) no place in this architecture, among them "
                + names.prefix(3).map { "\"\($0)\"" }.joined(separator: ", ")
                + ". Do the file and config.json come from the same model?"
        case .unsupportedArchitecture(let file, let found, let supported):
            "\(file): model_type \"\(found)\" is not supported; this version runs \(supported.joined(separator: ", "))."
        case .unsupportedFormat(let file, let format):
            "\(file): \(format) is not supported by this version; take or make model.safetensors or pytorch_model.bin."
        case .cancelled(let path): "\(path): the writing was stopped; nothing was kept."
        }
    }
}

extension SafeTensorsFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tooShort(let bytes): "\(bytes.counted("byte is", "bytes are")) too few for a header"
        case .headerBeyondFile(let header, let file): "a header of \(header) bytes in a file of \(file) (truncated?)"
        case .headerTooLong(let bytes, let limit): "a header of \(bytes) bytes; the format allows \(limit)"
        case .notJSON(let error): "the header is not JSON: \(error)"
        case .notAnObject: "the header is not a JSON object"
        case .duplicateName(let name): "two tensors are named \"\(name)\""
        case .badEntry(let name, let field, let expected): "\"\(name)\": \(field) is not \(expected)"
        case .unsupportedDataType(let name, let type):
            "\"\(name)\" has data type \(type); F32, F16, BF16 and F64 are read"
        case .sizeMismatch(let name, let bytes, let expected):
            "\"\(name)\" has \(bytes) bytes; its shape calls for \(expected)"
        case .gapOrOverlap(let name, let begin, let expected):
            "\"\(name)\" begins at \(begin); the tensor before it ends at \(expected)"
        case .dataLength(let found, let expected):
            "\(found) bytes of data; the header calls for \(expected) (truncated?)"
        }
    }
}
