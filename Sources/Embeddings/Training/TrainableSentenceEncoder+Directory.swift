public import Checkpoints
import JSON
public import SystemPackage
import Tensors
import Transformer

/// Writing a sentence encoder as a sentence-transformers directory.
extension TrainableSentenceEncoder {
    /// Writes `modules.json`, a directory for each module behind the transformer, the transformer itself with its
    /// tokenizer's own files, and what `more` adds: all of it or nothing.
    public func write(
        to path: FilePath, _ more: (FilePath) throws(CheckpointError) -> Void = { _ throws(CheckpointError) in }
    ) throws(CheckpointError) {
        let directory = try AtomicDirectory(path)
        let target = directory.temporary
        try writeTransformer(to: target)
        try JSONFile(target, object: poolingSettings).write(
            to: try AtomicDirectory.folder("1_Pooling", in: target).appending("config.json"))
        var entries = [entry(0, "Transformer", path: ""), entry(1, "Pooling", path: "1_Pooling")]
        for (index, module) in modules.enumerated() {
            let name = "\(index + 2)_\(module.className)"
            try module.write(to: AtomicDirectory.folder(name, in: target))
            entries.append(entry(index + 2, module.className, path: name))
        }
        try AtomicFile.write(JSON.array(entries).serialized(), to: target.appending("modules.json"))
        try more(target)
        try directory.commit()
    }

    private func entry(_ index: Int, _ name: String, path: String) -> JSON {
        .object([
            "idx": .integer(index), "name": .string("\(index)"), "path": .string(path),
            "type": .string("sentence_transformers.models.\(name)"),
        ])
    }

    private func writeTransformer(to target: FilePath) throws(CheckpointError) {
        let architecture = encoder.architecture
        var configuration = pretrained.configurationFile.object
        configuration["architectures"] = .array([
            .string(architecture.head.classPrefix + PublishedHead.Kind.none.rawValue)
        ])
        configuration.changeWeightType(to: .float32)
        try JSONFile(target, object: configuration).write(to: target.appending("config.json"))

        // As the class without a head names them.
        let prefix = architecture.spellings.optionalPrefix
        func published(_ name: String) -> String {
            name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
        }
        var tensors = encoder.parameters.map { (published($0.name), $0.value) }
        // A pooler is not used here, and transformers misses it where it is not there.
        for entry in weights.entries where architecture.isPooler(entry.name) {
            tensors.append((published(architecture.ourName(of: entry.name)), try weights.tensor(entry)))
        }
        try SafeTensors.write(tensors, to: target.appending("model.safetensors"))
        try pretrained.directory.copy(pretrained.tokenizerFiles, to: target)

        var limits: JSONObject = ["max_seq_length": .integer(maxLength)]
        limits["do_lower_case"] = .bool(pretrained.lowercasesFirst)
        try JSONFile(target, object: limits).write(to: target.appending(PretrainedEncoder.settingsName))
        try JSONFile(target, object: settings.object).write(to: target.appending(SentenceSettings.fileName))
    }

    private var poolingSettings: JSONObject {
        var object: JSONObject = ["word_embedding_dimension": .integer(encoder.architecture.hiddenSize)]
        // The older form, which all releases read, knows one order of several modes.
        if pooling.modes == PoolingMode.olderOrder.filter(pooling.modes.contains) {
            for mode in PoolingMode.olderOrder {
                object[mode.configurationKey] = .bool(pooling.modes.contains(mode))
            }
        } else {
            object["pooling_mode"] = .array(pooling.modes.map { .string($0.rawValue) })
        }
        object["include_prompt"] = .bool(pooling.includesPrompt)
        return object
    }
}

extension VectorModule {
    /// Of sentence-transformers.
    fileprivate var className: String {
        switch self {
        case .normalize: "Normalize"
        case .truncate: preconditionFailure("no directory has this module")
        case .layerNorm: "LayerNorm"
        case .dense: "Dense"
        }
    }

    fileprivate func write(to directory: FilePath) throws(CheckpointError) {
        switch self {
        case .normalize, .truncate: return
        case .layerNorm(let norm):
            let settings: JSONObject = ["dimension": .integer(norm.weight.shape.count)]
            try JSONFile(directory, object: settings).write(to: directory.appending("config.json"))
        case .dense(let dense):
            try JSONFile(directory, object: dense.settings).write(to: directory.appending("config.json"))
        }
        // The module's own name stands before those of its parameters: modules.2.linear.weight.
        let tensors = parameters.map { parameter in
            (parameter.name.split(separator: ".").dropFirst(2).joined(separator: "."), parameter.value)
        }
        try SafeTensors.write(tensors, to: directory.appending("model.safetensors"))
    }
}
