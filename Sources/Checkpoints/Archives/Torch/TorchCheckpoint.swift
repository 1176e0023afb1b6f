public import SystemPackage
import Tensors

/// A file of torch.save with a state dict, such as `pytorch_model.bin`: tensors behind a pickle, of which nothing is run.
///
/// Both forms are read: the zip archive (torch 1.6 and later), whose storages are read in place, and the older one, a row
/// of pickles with the storages behind them.
///
/// Source: torch/serialization.py, `_save` and `_legacy_save`.
public struct TorchCheckpoint: TensorArchive {
    /// Where training programs put the state dict when they save other things beside it.
    static let dictionaryKeys = ["state_dict", "model_state_dict", "model"]

    public let path: FilePath
    public let format: String
    public let entries: [TensorEntry]
    private let indices: [String: Int]

    public var files: [FilePath] { [path] }
    public subscript(_ name: String) -> TensorEntry? { indices[name].map { entries[$0] } }

    public init(_ path: FilePath) throws(CheckpointError) {
        try self.init(MappedFile(path))
    }

    init(_ file: MappedFile) throws(CheckpointError) {
        path = file.path
        do throws(TorchFault) {
            let contents: (pickle: Pickle.Contents, storages: [String: Range<Int>])
            if file.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
                (contents, format) = (try Self.readZip(file), "PyTorch")
            } else if Self.isLegacy(file) {
                (contents, format) = (try Self.readLegacy(file), "PyTorch (before 1.6)")
            } else {
                throw .notTorch(found: Self.kind(of: file))
            }
            let entries = try Self.entries(contents.pickle, contents.storages, file)
            self.entries = entries
            do throws(RepeatedName) { indices = try entries.indicesByName() } catch {
                throw .duplicateName(error.name)
            }
        } catch { throw .invalidTorch(path, error) }
    }

    // MARK: The zip form

    private static func readZip(
        _ file: MappedFile
    ) throws(TorchFault) -> (pickle: Pickle.Contents, storages: [String: Range<Int>]) {
        let members = try ZipArchive(file).members
        let pickles = members.keys.filter { $0.hasSuffix("/data.pkl") && $0.split(separator: "/").count == 2 }
        guard pickles.count == 1 else { throw .notTorch(found: "a zip archive without data.pkl") }
        let folder = String(pickles[0].dropLast("data.pkl".count))
        if members[folder + "constants.pkl"] != nil { throw .notTorch(found: "a TorchScript program (torch.jit.save)") }
        if let order = members[folder + "byteorder"], file.bytes(order) != Array("little".utf8) { throw .bigEndian }

        let pickle = try Pickle.read(file, members[pickles[0]] ?? 0..<0)
        var storages: [String: Range<Int>] = [:]
        for storage in pickle.objects.storages { storages[storage.key] = members[folder + "data/" + storage.key] }
        return (pickle, storages)
    }

    // MARK: The older form

    /// LONG1 of ten bytes: 0x1950a86a20f9469cfc6c.
    private static let magic: [UInt8] = [0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

    private static func isLegacy(_ file: MappedFile) -> Bool {
        // PROTO comes before, and from protocol 4 on a frame.
        file.starts(with: [0x80]) && [2, 11].contains { file.contains(magic, at: $0) }
    }

    private static func readLegacy(
        _ file: MappedFile
    ) throws(TorchFault) -> (pickle: Pickle.Contents, storages: [String: Range<Int>]) {
        var offset = 0
        func next() throws(TorchFault) -> Pickle.Contents {
            let pickle = try Pickle.read(file, offset..<file.count)
            offset = pickle.end
            return pickle
        }
        _ = try next()  // the magic number
        guard try next().root == .integer(1001) else { throw .malformed("another version than 1001", offset: offset) }
        let system = try next()
        guard case .dictionary(let index) = system.root,
            system.objects.dictionaries[index].contains(where: { $0 == (.string("little_endian"), .bool(true)) })
        else { throw .bigEndian }
        let pickle = try next()
        let keys = try next()
        guard case .list(let index) = keys.root else { throw .malformed("no list of storages", offset: offset) }
        let storages = try legacyStorages(keys.objects.sequences[index], pickle.objects, file, from: offset)
        return (pickle, storages)
    }

    /// Behind the pickles: for each key the number of values, and the values.
    private static func legacyStorages(
        _ keys: [PickleValue], _ objects: PickledObjects, _ file: MappedFile, from offset: Int
    ) throws(TorchFault) -> [String: Range<Int>] {
        var dataTypes: [String: DataType] = [:]
        for storage in objects.storages {
            if let other = dataTypes.updateValue(storage.dataType, forKey: storage.key), other != storage.dataType {
                throw .malformed("storage \(storage.key) with two data types", offset: offset)
            }
        }
        var reader = ByteReader(file, offset..<file.count)
        var storages: [String: Range<Int>] = [:]
        for key in keys {
            guard case .string(let key) = key, let dataType = dataTypes[key], storages[key] == nil else {
                throw .malformed("a storage that no tensor uses", offset: reader.offset)
            }
            guard let count = reader.integer(Int64.self), count >= 0, count <= reader.remaining,
                let range = reader.range(Int(count) * dataType.byteCount)
            else { throw .truncated(offset: reader.offset) }
            storages[key] = range
        }
        guard reader.remaining == 0 else { throw .malformed("bytes behind the last storage", offset: reader.offset) }
        return storages
    }

    /// What a file is that torch.save did not write.
    private static func kind(of file: MappedFile) -> String {
        if file.count == 0 { return "empty" }
        if file.contains(Array("ustar".utf8), at: 257) { return "a tar archive, as torch wrote before 0.2" }
        if file.contains(Array("version https://git-lfs".utf8), at: 0) {
            return "a pointer of Git LFS, not the file itself"
        }
        if file.starts(with: [0x80]) { return "another pickle" }
        return "another kind of file"
    }

    // MARK: Tensors

    private static func entries(
        _ pickle: Pickle.Contents, _ storages: [String: Range<Int>], _ file: MappedFile
    ) throws(TorchFault) -> [TensorEntry] {
        let objects = pickle.objects
        var entries: [TensorEntry] = []
        var count = 0
        for (key, value) in try stateDictionary(pickle) {
            guard case .tensor(let index) = value else { continue }
            guard case .string(let name) = key else { throw .malformed("a tensor without a name", offset: pickle.end) }
            let entry = try entry(name, objects.tensors[index], storages, file)
            count += entry.shape.count
            // Tied weights count twice, an expanded scalar as often as it repeats.
            guard count <= 4 * file.count else { throw .repeatedValues(count: count, bytes: file.count) }
            entries.append(entry)
        }
        return entries
    }

    /// The dictionary of tensors: the pickled object, or the one member of it that is a state dict.
    private static func stateDictionary(
        _ pickle: Pickle.Contents
    ) throws(TorchFault) -> [(key: PickleValue, value: PickleValue)] {
        let dictionaries = pickle.objects.dictionaries
        // A dictionary may be named any number of times; it is looked through once.
        var known: [Int: Bool] = [:]
        func hasTensors(_ index: Int) -> Bool {
            if let answer = known[index] { return answer }
            let answer = dictionaries[index].contains { if case .tensor = $0.value { true } else { false } }
            known[index] = answer
            return answer
        }
        guard case .dictionary(let root) = pickle.root else { throw .noTensors }
        if hasTensors(root) { return dictionaries[root] }
        var found: [(name: String, index: Int)] = []
        for (key, value) in dictionaries[root] {
            guard case .string(let name) = key, dictionaryKeys.contains(name), case .dictionary(let index) = value,
                hasTensors(index)
            else { continue }
            found.append((name, index))
            guard found.count <= 1 else { throw .severalDictionaries(found.map(\.name)) }
        }
        guard let found = found.first else { throw .noTensors }
        return dictionaries[found.index]
    }

    private static func entry(
        _ name: String, _ tensor: TorchTensor, _ storages: [String: Range<Int>], _ file: MappedFile
    ) throws(TorchFault) -> TensorEntry {
        let storage = tensor.storage
        guard let range = storages[storage.key] else { throw .missingStorage(key: storage.key, name: name) }
        let (bytes, overflow) = storage.count.multipliedReportingOverflow(by: storage.dataType.byteCount)
        guard !overflow, range.count == bytes else {
            throw .storageSize(key: storage.key, bytes: range.count, expected: overflow ? .max : bytes)
        }
        guard let shape = Shape(claimed: tensor.sizes), tensor.strides.count == tensor.sizes.count,
            tensor.strides.allSatisfy({ $0 >= 0 }),
            tensor.offset >= 0, shape.count == 0 || Self.lastValue(of: tensor).map({ $0 < storage.count }) ?? false
        else { throw .outsideStorage(name: name) }
        let start = shape.count == 0 ? range.lowerBound : range.lowerBound + tensor.offset * storage.dataType.byteCount
        let place = TensorPlace(
            file: file, offset: start, strides: isContiguous(tensor) ? nil : tensor.strides)
        return TensorEntry(name: name, dataType: storage.dataType, shape: shape, place: place)
    }

    /// Where the last value of a tensor lies in its storage.
    private static func lastValue(of tensor: TorchTensor) -> Int? {
        var last = tensor.offset
        for (size, stride) in zip(tensor.sizes, tensor.strides) {
            let (distance, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, carry) = last.addingReportingOverflow(distance)
            if overflow || carry { return nil }
            last = sum
        }
        return last
    }

    private static func isContiguous(_ tensor: TorchTensor) -> Bool {
        var expected = 1
        for (size, stride) in zip(tensor.sizes, tensor.strides).reversed() where size != 1 {
            if stride != expected { return false }
            expected *= size
        }
        return true
    }
}
