import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tensors
import Tokenizers
import Transformer

/// One of the adapters that are merged, on its base.
final class MergedAdapter {
    /// A parameter that the adapter changes.
    struct Change {
        let name: String
        let value: Tensor
        /// `nil` where the base's file has no such tensor.
        let base: Tensor?
    }

    private enum Model {
        case classifier(SequenceClassifier)
        case encoder(OpenedCheckpoint, PretrainedEncoder)
    }

    private let opened: OpenedAdapter
    private let model: Model
    private let encoder: TransformerEncoder

    init(_ directory: ModelDirectory) throws(ModelError) {
        try Self.refuseBottlenecks(directory)
        guard let opened = try OpenedAdapter(directory) else { throw .isNoAdapter(directory.path) }
        self.opened = opened
        let checkpoint = try OpenedCheckpoint(directory)
        let isClassifier = PublishedHead(checkpoint.configuration)?.kind == .sequenceClassification
        if opened.hasHead(checkpoint.architecture.head) || isClassifier {
            let classifier = try SequenceClassifier(directory)
            (model, encoder) = (.classifier(classifier), classifier.encoder)
        } else {
            let pretrained = try checkpoint.encoder()
            try opened.attach(to: pretrained.encoder, head: nil)
            (model, encoder) = (.encoder(checkpoint, pretrained), pretrained.encoder)
        }
        _ = try changes()
    }

    /// AdapterHub's adapters have a nonlinearity between their matrices.
    private static func refuseBottlenecks(_ directory: ModelDirectory) throws(ModelError) {
        let setup = try loading { () throws(CheckpointError) in
            try AdapterHubSetup.isPresent(in: directory) ? try AdapterHubSetup(directory) : nil
        }
        guard let setup else { return }
        throw .adapter(
            directory.path, base: FilePath(setup.baseModel ?? ""),
            .notFoldable(
                name: setup.adapters.map(\.name).joined(separator: ","),
                kind: setup.adapters.count == 1 ? "a bottleneck adapter" : "several bottleneck adapters"))
    }

    var hasHead: Bool { if case .classifier = model { true } else { false } }

    /// Checks that another adapter can be added to this one.
    func check(_ other: MergedAdapter) throws(ModelError) {
        let paths = (opened.directory.path, other.opened.directory.path)
        let hashes = try loading { () throws(CheckpointError) in
            (try opened.base.weightsHash(), try other.opened.base.weightsHash())
        }
        guard hashes.0 == hashes.1 else { throw .mergedAdapters(paths.0, paths.1, reason: "are of different bases") }
        switch (model, other.model) {
        case (.classifier(let own), .classifier(let others)):
            guard own.labels == others.labels, own.problem == others.problem else {
                throw .mergedAdapters(paths.0, paths.1, reason: "have different labels")
            }
        case (.encoder, .encoder): break
        default: throw .mergedAdapters(paths.0, paths.1, reason: "are one with a head and one without")
        }
    }

    /// What the adapter makes of the base's parameters.
    func changes() throws(ModelError) -> [Change] {
        let weights = try loading { () throws(CheckpointError) in try opened.base.openWeights() }
        let source = ParameterSource(
            weights, spellings: encoder.architecture.spellings, random: RandomSource(seed: 0))
        do throws(AdapterError) {
            var changes: [Change] = []
            for (parameter, value) in try encoder.foldedValues() {
                let base: Tensor?
                do { base = try source.root.optional(parameter.name, parameter.shape)?.value } catch { base = nil }
                changes.append(Change(name: parameter.name, value: value, base: base))
            }
            return changes
        } catch { throw .adapter(opened.directory.path, base: opened.base.path, error) }
    }

    // MARK: Comparison

    /// Texts, or without any a fixed set of made-up ids; a few at a time, so that memory does not grow with them.
    func batches(_ texts: [String]) -> [TokenBatch] {
        let tokenizer =
            switch model {
            case .classifier(let classifier): classifier.tokenizer
            case .encoder(_, let pretrained): pretrained.tokenizer
            }
        let limit = min(encoder.maxTokens, 256)
        if !texts.isEmpty {
            return stride(from: 0, to: texts.count, by: 32).map { start in
                TokenBatch(
                    texts[start..<min(texts.count, start + 32)].map {
                        TokenizedText($0, tokenizer, maxLength: limit)
                    })
            }
        }
        let random = RandomSource(seed: 6)
        let size = UInt64(tokenizer.vocabularySize)
        return [
            TokenBatch(
                (1...32).map { length in (0..<min(length, limit)).map { _ in Int32(random.next() % size) } })
        ]
    }

    /// The logits, or the hidden states.
    ///
    /// - Parameter check: called before each batch.
    func output(
        _ batches: [TokenBatch], _ check: () throws(ModelError) -> Void
    ) throws(ModelError) -> Tensor {
        var rows: [Tensor] = []
        for batch in batches {
            try check()
            switch model {
            case .classifier(let classifier): rows.append(classifier.forward(batch).logits)
            case .encoder(_, let pretrained): rows.append(pretrained.encoder.forward(batch).output)
            }
        }
        return Tensor(rows: rows)
    }

    // MARK: Writing

    /// Gives the base new values, and takes the adapter away.
    func take(_ values: [String: Tensor]) throws(ModelError) {
        do {
            if let adapter = encoder.activeAdapter { try encoder.detach(named: adapter.name) }
        } catch { throw .adapter(opened.directory.path, base: opened.base.path, error) }
        let parameters =
            switch model {
            case .classifier(let classifier): classifier.modelParameters
            case .encoder(_, let pretrained): pretrained.encoder.parameters
            }
        for parameter in parameters {
            if let value = values[parameter.name] { parameter.update { $0 = value } }
        }
    }

    /// - Parameter isCancelled: asked before the directory gets its name.
    func write(to path: FilePath, isCancelled: () -> Bool) throws(ModelError) {
        try loading { () throws(CheckpointError) in
            switch model {
            case .classifier(let classifier):
                try classifier.writeMerged(to: path, record: opened.record?.object ?? [:], isCancelled: isCancelled)
            case .encoder(let checkpoint, let pretrained):
                try write(checkpoint, pretrained, to: path, isCancelled: isCancelled)
            }
        }
    }

    /// The base with other weights: its configuration, and the files that belong to it whatever the weights.
    private func write(
        _ checkpoint: OpenedCheckpoint, _ pretrained: PretrainedEncoder, to path: FilePath, isCancelled: () -> Bool
    ) throws(CheckpointError) {
        let directory = try AtomicDirectory(path)
        let target = directory.temporary
        let base = checkpoint.directory
        var configuration = checkpoint.configuration.object
        configuration.changeWeightType(to: .float32)
        try JSONFile(target, object: configuration).write(to: target.appending("config.json"))
        try base.copy(CheckpointConversion.companions(of: base), to: target)
        var tensors: [(name: String, value: Tensor)] = pretrained.encoder.parameters.map { ($0.name, $0.value) }
        let own = Set(tensors.map(\.name))
        for entry in checkpoint.weights.entries where entry.dataType.isFloatingPoint {
            let name = checkpoint.architecture.ourName(of: entry.name)
            if !own.contains(name) { tensors.append((name, try checkpoint.weights.tensor(entry))) }
        }
        try SafeTensors.write(tensors, to: target.appending("model.safetensors"))
        try directory.commit(isCancelled: isCancelled)
    }
}
