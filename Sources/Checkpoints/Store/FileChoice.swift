import Glibc
import JSON

/// Which of a repository's files Graft needs: configuration, tokenizer and one form of the weights, in the repository's
/// root and in the folders that `modules.json` names.
struct FileChoice {
    /// What makes a directory a model, the first last in the store: with it the model counts as present.
    static let markers = ["config.json", "modules.json", "adapter_config.json", "bert_config.json"]

    static let small: Set<String> = [
        "config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "vocab.txt", "vocab.json", "merges.txt", "modules.json", "config_sentence_transformers.json",
        "adapter_config.json", "bert_config.json", "graft.json", "README.md",
    ]

    /// Of these a tokenizer has one, or a SentencePiece file of any name.
    static let tokenizers = ["tokenizer.json", "vocab.txt", "merges.txt"]

    private static let adapters = AdapterDirectory.Library.allCases.flatMap(\.weightNames)

    let source: String
    /// The files to choose from.
    let names: Set<String>
    /// The content of a file with JSON, for `modules.json` and the indexes of weights.
    let read: (String) async throws(StoreError) -> JSON

    /// The chosen files, sorted by name.
    ///
    /// - Throws: `noModel`, `missingShard`, or what `read` throws.
    func chosen() async throws(StoreError) -> [String] {
        guard Self.markers.contains(where: names.contains) else { throw missing("config.json") }
        var folders = [""]
        if names.contains("modules.json") {
            for module in try await read("modules.json").array ?? [] {
                guard let path = module["path"]?.string, !path.isEmpty else { continue }
                folders.append(path.hasSuffix("/") ? path : path + "/")
            }
        }
        var chosen: Set<String> = []
        var hasWeights = false
        for folder in folders {
            chosen.formUnion(names.filter { Self.isSmall($0, in: folder) })
            let found = try await weights(in: folder)
            hasWeights = hasWeights || !found.isEmpty
            chosen.formUnion(found)
        }
        guard hasWeights else { throw missing("model.safetensors or pytorch_model.bin") }
        return chosen.sorted()
    }

    private static func isSmall(_ path: String, in folder: String) -> Bool {
        guard path.hasPrefix(folder) else { return false }
        let name = String(path.dropFirst(folder.count))
        guard !name.contains("/") else { return false }
        return small.contains(name) || name.hasSuffix(".model")
            || name.hasPrefix("sentence_") && name.hasSuffix("_config.json")
    }

    private func weights(in folder: String) async throws(StoreError) -> [String] {
        let adapter = Self.adapters.map { folder + $0 }.first(where: names.contains).map { [$0] } ?? []
        // An index is followed by the files that it names.
        guard let first = ModelDirectory.weightNames.map({ folder + $0 }).first(where: names.contains) else {
            return adapter
        }
        guard first.hasSuffix(".index.json") else { return adapter + [first] }
        let shards = Set((try await read(first)["weight_map"]?.object?.members ?? []).compactMap(\.value.string))
        for shard in shards.sorted() where !names.contains(folder + shard) {
            throw .hub(.missingShard(name: source, index: first, file: folder + shard))
        }
        return adapter + [first] + shards.map { folder + $0 }
    }

    private func missing(_ what: String) -> StoreError {
        .hub(.noModel(name: source, missing: what, found: names.sorted()))
    }

    /// Whether a path fits one of the patterns: `*` stands for any characters, `/` among them, and a pattern that ends
    /// with `/` for all below.
    static func matches(_ path: String, _ patterns: [String]) -> Bool {
        patterns.contains { pattern in
            unsafe fnmatch(pattern.hasSuffix("/") ? pattern + "*" : pattern, path, 0) == 0
        }
    }
}
