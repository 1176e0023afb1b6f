import FoundationEssentials
import JSON
public import SystemPackage
import Tensors

/// Any readable checkpoint to a Hugging Face directory: `config.json`, `model.safetensors` in one file or several, and
/// what else belongs to the model, such as the tokenizer's files.
public struct CheckpointConversion: Sendable {
    /// The data type of all weights; `nil` leaves each as it is. Integers stay integers.
    public var dataType: DataType?
    /// The most bytes of tensors in a file; a larger tensor has a file of its own.
    public var maxShardSize: Int
    /// What a tensor is called in the copy. All names stay as they are where two would become one.
    public var rename: @Sendable (String) -> String = { $0 }

    public init(dataType: DataType? = nil, maxShardSize: Int = .max) {
        self.dataType = dataType
        self.maxShardSize = maxShardSize
    }

    public struct Result: Equatable, Sendable {
        public let tensors: Int
        public let bytes: Int
        public let files: Int
    }

    /// Converts a model: the directory appears whole or not at all. One tensor at a time is in memory.
    ///
    /// - Parameter isCancelled: asked before each tensor; where it says so, nothing is kept.
    /// - Throws: `outputExists`; `notFinite` and `notRepresentable`, which name the tensor; `cancelled`; what reading throws.
    public func convert(
        _ model: ModelDirectory, to path: FilePath, isCancelled: () -> Bool = { false }
    ) throws(CheckpointError) -> Result {
        try AtomicDirectory.checkAbsence(of: path)
        let weights = try model.openWeights()
        var configuration = try model.openConfiguration()
        let output = try AtomicDirectory(path)
        if let dataType { configuration.object.setWeightType(dataType) }
        try configuration.write(to: output.temporary.appending("config.json"))
        try model.copy(Self.companions(of: model), to: output.temporary)
        let result = try write(weights, to: output.temporary) { () throws(CheckpointError) in
            if isCancelled() { throw .cancelled(path) }
        }
        try output.commit(isCancelled: isCancelled)
        return result
    }

    /// The files beside configuration and weights: those of the tokenizer, and whole folders that `modules.json` names.
    package static func companions(of model: ModelDirectory) throws(CheckpointError) -> [FilePath] {
        let folders = try moduleFolders(of: model)
        return model.files.filter { path in
            var relative = path
            guard relative.removePrefix(model.path) else { return false }
            let name = relative.string
            if name.hasPrefix(".") { return false }
            if relative.components.count > 1 { return folders.contains(where: relative.starts) }
            return companionExtensions.contains(path.extension ?? "") && !name.hasSuffix(".index.json")
                && !["config.json", "bert_config.json"].contains(name)
        }
    }

    private static func moduleFolders(of model: ModelDirectory) throws(CheckpointError) -> [FilePath] {
        guard model.exists("modules.json") else { return [] }
        let modules = try JSONFile.array(model.path.appending("modules.json"), purpose: "the model's modules")
        // The first module is the model itself and has no folder.
        return modules.compactMap { $0["path"]?.string }.map { FilePath($0).lexicallyNormalized() }
            .filter { !$0.isEmpty && $0 != "." }
    }

    private static let companionExtensions: Set<String> = [
        "json", "txt", "model", "jinja", "md", "py", "vocab", "bpe", "tiktoken", "",
    ]

    // MARK: Weights

    private func write(
        _ weights: any TensorArchive, to directory: FilePath, checkCancellation: () throws(CheckpointError) -> Void
    ) throws(CheckpointError) -> Result {
        let shards = shards(weights)
        let names = names(weights)
        var total = 0
        var map = JSONObject()
        for (index, entries) in shards.enumerated() {
            let name = shards.count == 1 ? "model.safetensors" : Self.shardName(index, of: shards.count)
            let items = entries.map { SafeTensors.Item(name: names[$0.name]!, dataType: target($0), shape: $0.shape) }
            try SafeTensors.write(items, to: directory.appending(name)) { item, file throws(CheckpointError) in
                try checkCancellation()
                try write(entries[item], of: weights, to: file)
            }
            total += items.reduce(0) { $0 + $1.byteCount }
            for entry in entries { map.append(names[entry.name]!, .string(name)) }
        }
        if shards.count > 1 {
            let object: JSONObject = [
                "metadata": .object(["total_size": .integer(total)]), "weight_map": .object(map),
            ]
            let path = directory.appending("model.safetensors.index.json")
            try JSONFile(path, object: object).write(to: path)
        }
        return Result(tensors: weights.entries.count, bytes: total, files: shards.count)
    }

    /// The new name of each tensor.
    private func names(_ weights: any TensorArchive) -> [String: String] {
        let names = weights.entries.map(\.name)
        let renamed = names.map(rename)
        return Dictionary(uniqueKeysWithValues: zip(names, Set(renamed).count == names.count ? renamed : names))
    }

    private func target(_ entry: TensorEntry) -> DataType {
        entry.dataType.isFloatingPoint ? dataType ?? entry.dataType : entry.dataType
    }

    /// The tensors of each file. Within one, wide values come first, so that all are aligned.
    private func shards(_ weights: any TensorArchive) -> [[TensorEntry]] {
        var shards: [[TensorEntry]] = [[]]
        var bytes = 0
        for entry in weights.entries {
            let size = entry.shape.count * target(entry).byteCount
            if bytes > 0, size > maxShardSize - bytes {
                shards.append([])
                bytes = 0
            }
            shards[shards.count - 1].append(entry)
            bytes += size
        }
        return shards.map { entries in
            let widths = Set(entries.map { target($0).byteCount }).sorted(by: >)
            return widths.flatMap { width in entries.filter { target($0).byteCount == width } }
        }
    }

    private static func shardName(_ index: Int, of count: Int) -> String {
        func digits(_ number: Int) -> String { String(String(100_000 + number).dropFirst()) }
        return "model-\(digits(index + 1))-of-\(digits(count)).safetensors"
    }

    private func write(
        _ entry: TensorEntry, of weights: any TensorArchive, to file: AtomicFile
    ) throws(CheckpointError) {
        guard entry.dataType.isFloatingPoint else { return try file.write(weights.bytes(entry)) }
        let target = target(entry)
        if entry.dataType == .float64 {
            // Its values may be too large for `Float`.
            let bytes = try weights.bytes(entry)
            guard Self.areFinite(float64: bytes) else { throw .notFinite(weights.path, name: entry.name) }
            if target == .float64 { return try file.write(bytes) }
        }
        let tensor = try weights.tensor(entry)
        guard tensor.isFinite else {
            throw entry.dataType == .float64
                ? .notRepresentable(weights.path, name: entry.name, target)
                : .notFinite(weights.path, name: entry.name)
        }
        switch target {
        case .float32: try file.write(tensor.values)
        case .float16:
            let values = tensor.values.map { Float16($0).bitPattern }
            guard values.allSatisfy({ $0 & 0x7C00 != 0x7C00 }) else {
                throw .notRepresentable(weights.path, name: entry.name, .float16)
            }
            try file.write(values)
        case .bfloat16:
            let values = tensor.values.map(brain)
            guard values.allSatisfy({ $0 & 0x7F80 != 0x7F80 }) else {
                throw .notRepresentable(weights.path, name: entry.name, .bfloat16)
            }
            try file.write(values)
        default: try file.write(weights.bytes(entry))
        }
    }

    /// Whether no exponent of little-endian binary64 is all ones.
    private static func areFinite(float64 bytes: [UInt8]) -> Bool {
        stride(from: 6, to: bytes.count, by: 8).allSatisfy { bytes[$0 + 1] & 0x7F != 0x7F || bytes[$0] & 0xF0 != 0xF0 }
    }
}
