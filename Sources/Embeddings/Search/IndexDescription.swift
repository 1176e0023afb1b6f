import Checkpoints
import JSON
import SystemPackage

/// How vectors are compared.
public enum VectorSimilarity: String, Sendable, CaseIterable {
    case cosine
    case dot
    /// The distance below 0.
    case euclidean
}

/// The smaller copy of the vectors that a search looks through first.
public enum VectorCodes: String, Sendable, CaseIterable {
    /// A byte for each value, in the ranges of the vectors that the index began with.
    case int8
    /// A bit for each value.
    case binary

    var quantization: VectorQuantization { self == .int8 ? .uint8 : .ubinary }
    var fileName: String { "codes.\(rawValue)" }
}

/// The model that made an index's vectors, and how.
public struct IndexedModel: Equatable, Sendable {
    /// Its name in the store, or its path.
    public var name: String
    /// SHA-256 of its weights.
    public var sha256: String
    public var pooling: [PoolingMode]?
    public var normalizes: Bool
    /// Vectors were cut to the index's size.
    public var isTruncated: Bool
    public var prompt: String
    public var maxLength: Int?
}

/// What `index.json` says: what the other files hold and how much of it counts.
public struct IndexDescription: Equatable, Sendable {
    /// What one run added.
    public struct Part: Equatable, Sendable {
        public var count: Int
        /// Bytes of the entries of the part.
        public var entryBytes: Int
        /// SHA-256 of the part of every file, by the file's name.
        public var checksums: [String: String]
    }

    /// The graph of approximate search over the first `count` vectors.
    public struct Graph: Equatable, Sendable {
        public var file: String
        public var count: Int
        public var sha256: String
        public var settings: HNSWSettings
    }

    public var size: Int
    public var similarity: VectorSimilarity
    public var hasTexts: Bool
    public var codes: VectorCodes?
    /// Of the values, for `int8` codes.
    public var ranges: ValueRanges?
    public var model: IndexedModel?
    public var parts: [Part] = []
    public var graph: Graph?

    /// An index without vectors yet.
    public init(
        size: Int, similarity: VectorSimilarity, hasTexts: Bool, codes: VectorCodes? = nil, model: IndexedModel? = nil
    ) {
        self.size = size
        self.similarity = similarity
        self.hasTexts = hasTexts
        self.codes = codes
        self.model = model
    }

    static let fileName = "index.json"
    static let version = 1
    static let countLimit = Int(Int32.max)

    public var count: Int { parts.reduce(0) { $0 + $1.count } }
    var entryBytes: Int { parts.reduce(0) { $0 + $1.entryBytes } }
}

extension IndexDescription {
    var json: JSONObject {
        var object: JSONObject = [
            "format": .string("graft-index"), "version": .integer(Self.version), "size": .integer(size),
            "count": .integer(count), "similarity": .string(similarity.rawValue), "texts": .bool(hasTexts),
        ]
        if let codes { object["codes"] = .string(codes.rawValue) }
        if let ranges {
            object["least"] = .array(ranges.least.map { .number(Double($0)) })
            object["largest"] = .array(ranges.largest.map { .number(Double($0)) })
        }
        if let model { object["model"] = .object(model.json) }
        object["parts"] = .array(
            parts.map {
                .object([
                    "count": .integer($0.count), "entryBytes": .integer($0.entryBytes),
                    "sha256": .object(
                        $0.checksums.sorted { $0.key < $1.key }.reduce(into: JSONObject()) {
                            $0.append($1.key, .string($1.value))
                        }),
                ])
            })
        if let graph {
            object["graph"] = .object([
                "file": .string(graph.file), "count": .integer(graph.count), "sha256": .string(graph.sha256),
                "m": .integer(graph.settings.m), "efConstruction": .integer(graph.settings.efConstruction),
            ])
        }
        return object
    }

    init(_ directory: FilePath) throws(SearchError) {
        do throws(CheckpointError) {
            let file = try JSONFile(
                directory.appending(Self.fileName), purpose: "the description of an index, which graft index writes")
            self = try Self(file)
        } catch { throw .file(error) }
    }

    private init(_ file: JSONFile) throws(CheckpointError) {
        guard file.object["format"]?.string == "graft-index" else {
            throw file.invalid("format", expected: "\"graft-index\"")
        }
        guard file.object["version"]?.integer == Self.version else {
            throw file.invalid("version", expected: "\(Self.version); another release of graft wrote the index")
        }
        size = try file.size("size")
        guard size <= 1 << 20 else { throw file.invalid("size", expected: "at most \(1 << 20)") }
        similarity = try file.choice("similarity")
        hasTexts = file.object["texts"]?.bool ?? false
        codes = file.object["codes"] == nil ? nil : try file.choice("codes") as VectorCodes
        if codes == .int8 {
            let (least, largest) = (try file.floats("least", size), try file.floats("largest", size))
            ranges = ValueRanges(least: least, largest: largest)
        }
        if let object = file.object["model"]?.object {
            model = try IndexedModel(JSONFile(file.path, object: object))
        }
        for part in file.object["parts"]?.array ?? [] {
            let part = JSONFile(file.path, object: part.object ?? [:])
            guard let bytes = part.object["entryBytes"]?.integer, bytes >= 0, bytes < 1 << 48 else {
                throw part.invalid("entryBytes", expected: "a number of bytes")
            }
            let checksums = part.object["sha256"]?.object?.members ?? []
            parts.append(
                Part(
                    count: try part.size("count"), entryBytes: bytes,
                    checksums: Dictionary(checksums.map { ($0.key, $0.value.string ?? "") }) { $1 }))
            guard count <= Self.countLimit else { throw part.invalid("count", expected: "at most 2^31 - 1 in all") }
        }
        guard file.object["count"]?.integer == count else {
            throw file.invalid("count", expected: "\(count), the sum of its parts")
        }
        if let object = file.object["graph"]?.object {
            let graph = JSONFile(file.path, object: object)
            let name = try graph.string("file")
            guard !name.contains("/"), name.hasSuffix(".hnsw") else {
                throw graph.invalid("file", expected: "the name of a file beside it")
            }
            self.graph = Graph(
                file: name, count: try graph.size("count"), sha256: try graph.string("sha256"),
                settings: HNSWSettings(
                    m: try graph.size("m", in: HNSWSettings.mRange),
                    efConstruction: try graph.size("efConstruction", in: HNSWSettings.efRange)))
        }
    }
}

extension IndexedModel {
    fileprivate var json: JSONObject {
        var object: JSONObject = [
            "name": .string(name), "sha256": .string(sha256), "normalizes": .bool(normalizes),
            "truncated": .bool(isTruncated), "prompt": .string(prompt),
        ]
        if let pooling { object["pooling"] = .array(pooling.map { .string($0.rawValue) }) }
        if let maxLength { object["maxLength"] = .integer(maxLength) }
        return object
    }

    fileprivate init(_ file: JSONFile) throws(CheckpointError) {
        name = try file.string("name")
        sha256 = try file.string("sha256")
        normalizes = file.object["normalizes"]?.bool ?? false
        isTruncated = file.object["truncated"]?.bool ?? false
        prompt = file.object["prompt"]?.string ?? ""
        maxLength = file.object["maxLength"] == nil ? nil : try file.size("maxLength")
        if let names = file.object["pooling"]?.array {
            let modes = names.compactMap { $0.string.flatMap(PoolingMode.init(rawValue:)) }
            guard modes.count == names.count, !modes.isEmpty else {
                throw file.invalid("pooling", expected: "names of poolings")
            }
            pooling = modes
        }
    }
}

extension JSONFile {
    fileprivate func choice<Value: RawRepresentable & CaseIterable>(
        _ key: String
    ) throws(CheckpointError) -> Value where Value.RawValue == String {
        guard let value = object[key]?.string.flatMap(Value.init(rawValue:)) else {
            throw invalid(key, expected: "one of " + Value.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return value
    }

    fileprivate func size(_ key: String, in range: ClosedRange<Int>) throws(CheckpointError) -> Int {
        let value = try size(key)
        guard range.contains(value) else {
            throw invalid(key, expected: "\(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    fileprivate func floats(_ key: String, _ count: Int) throws(CheckpointError) -> [Float] {
        let values = (object[key]?.array ?? []).compactMap { $0.number.map { Float($0) } }
        guard values.count == count, values.allSatisfy({ abs($0) < 1e18 }) else {
            throw invalid(key, expected: "\(count) numbers below 1e18")
        }
        return values
    }
}
