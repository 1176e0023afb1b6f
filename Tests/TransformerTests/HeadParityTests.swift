import Checkpoints
import FoundationEssentials
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

/// Published heads against transformers: tiny checkpoints made by `generate_heads.py`.
@Suite("Heads against transformers")
struct HeadParityTests {
    private static let directory = Golden.directory("heads")

    private static func names(ending endings: String...) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? [])
            .filter { name in endings.contains { name.hasSuffix($0) } }.sorted()
    }

    private struct Case {
        let source: ParameterSource
        let architecture: EncoderArchitecture
        let encoder: TransformerEncoder
        let batch: TokenBatch
        let expected: SafeTensors

        init(_ name: String) throws {
            let directory = ModelDirectory(HeadParityTests.directory.appending(name))
            architecture = try EncoderArchitecture(JSONFile(directory.configuration, purpose: "the test"))
            source = ParameterSource(
                try directory.openWeights(), spellings: architecture.spellings, random: RandomSource(seed: 0))
            encoder = try TransformerEncoder(source.root, architecture)
            var batch = TokenBatch()
            for sequence in GoldenParityTests.sequences(try Golden.json(directory.path)) {
                batch.append(sequence.ids, tokenTypeIDs: sequence.types)
            }
            self.batch = batch
            expected = try SafeTensors(directory.path.appending("expected.safetensors"))
        }

        func expectLogits(_ logits: Tensor) throws {
            #expect(batch.sequences.count == expected.entries.count)
            for (index, rows) in batch.sequences.enumerated() {
                let golden = try expected.values("logits.\(index)")
                #expect(logits.rows(rows).relativeDifference(from: golden) < 1e-5, "sequence \(index)")
            }
        }
    }

    @Test(
        "regression and sets of labels: logits, loss and the gradient of every parameter agree",
        arguments: names(ending: "-regression", "-multi-label"))
    func problems(name: String) throws {
        let test = try Case(name)
        let targets = try test.expected.values("targets")
        let head = try ClassificationHead(test.source.root, test.architecture, labels: targets.columns)
        try test.source.checkAllUsed { test.architecture.isBufferOrPretrainingHead($0) }
        let pooling = head.architecture.pooling
        let (hidden, encoderSaved) = test.encoder.forward(test.batch, firstOnly: pooling == .first)
        let (logits, saved) = head.forward(pooling.pool(hidden, test.batch.sequences))
        #expect(logits.relativeDifference(from: try test.expected.values("logits")) < 1e-5)
        let (loss, gradient) =
            name.hasSuffix("-regression")
            ? MeanSquaredErrorLoss.evaluate(logits, targets: targets)
            : BinaryCrossEntropyLoss.evaluate(logits, targets: targets)
        let golden = Double(try test.expected.values("loss").values[0])
        #expect(abs(loss - golden) < 1e-5 * max(1, golden))
        test.encoder.backward(pooling.backward(head.backward(gradient, saved), test.batch.sequences), encoderSaved)
        try expectGradients(of: test.source.parameters, agreeWith: test.expected)
    }

    @Test("heads for tokens: the logits of every token agree", arguments: names(ending: "-tokens"))
    func tokens(name: String) throws {
        let test = try Case(name)
        let head = try ClassificationHead(
            test.source.root, test.architecture, head: test.architecture.head.forTokens, labels: 5)
        try test.source.checkAllUsed { test.architecture.isBufferOrPretrainingHead($0) }
        try test.expectLogits(head.forward(test.encoder.forward(test.batch).output).logits)
    }

    @Test(
        "heads for masked words, tied and not: the scores of the vocabulary agree",
        arguments: names(ending: "-masked", "-masked-untied", "-pretraining"))
    func maskedWords(name: String) throws {
        let test = try Case(name)
        let layout = try #require(test.architecture.maskedHead)
        let head = try MaskedLanguageHead(
            test.source.root, test.architecture, layout, words: test.encoder.embeddings.wordEmbeddings.weight)
        #expect(layout.isTied == !name.hasSuffix("-untied"))
        try test.source.checkAllUsed {
            test.architecture.isBufferOrPretrainingHead($0) || test.architecture.isPooler($0)
        }
        try test.expectLogits(head.forward(test.encoder.forward(test.batch).output))
    }

    @Test(
        "a decoder of its own counts, also where the configuration calls it tied; so does its bias, which may be alone")
    func ownDecoder() throws {
        let name = "roberta-masked"
        let original = ModelDirectory(Self.directory.appending(name))
        let weights = try original.openWeights()
        let vocabSize = try EncoderArchitecture(original.openConfiguration()).vocabSize
        let scratch = try TemporaryDirectory()
        func scores(_ change: (inout [(name: String, value: Tensor)]) -> Void) throws -> Tensor {
            var tensors = try weights.entries.map { (name: $0.name, value: try weights.tensor($0)) }
            change(&tensors)
            try SafeTensors.write(tensors, to: scratch("model.safetensors"))
            let architecture = try EncoderArchitecture(original.openConfiguration())
            let source = ParameterSource(
                try SafeTensors(scratch("model.safetensors")), spellings: architecture.spellings,
                random: RandomSource(seed: 0))
            let encoder = try TransformerEncoder(source.root, architecture)
            let head = try MaskedLanguageHead(
                source.root, architecture, try #require(architecture.maskedHead),
                words: encoder.embeddings.wordEmbeddings.weight)
            return head.forward(encoder.forward(TokenBatch([[3, 5, 7]])).output)
        }
        let tied = try scores { _ in }
        let biases = Tensor(repeating: 2, [vocabSize])
        let moved = try scores { tensors in
            tensors.removeAll { $0.name == "lm_head.bias" }
            tensors.append((name: "lm_head.decoder.bias", value: biases))
        }
        let both = try scores { tensors in
            tensors.removeAll { $0.name == "lm_head.decoder.bias" }
            tensors.append((name: "lm_head.decoder.bias", value: biases))
        }
        #expect(moved == both && moved != tied)
        let table = Tensor.zeros([vocabSize, try EncoderArchitecture(original.openConfiguration()).embeddingSize])
        let untied = try scores { tensors in
            tensors.removeAll { $0.name == "lm_head.decoder.bias" || $0.name == "lm_head.decoder.weight" }
            tensors += [(name: "lm_head.decoder.bias", value: biases), (name: "lm_head.decoder.weight", value: table)]
        }
        #expect(untied.values.allSatisfy { $0 == 2 })
    }

    @Test("there are goldens of every family's heads")
    func coverage() {
        #expect(Self.names(ending: "-tokens").count == 7)
        #expect(Self.names(ending: "-masked").count == 6)
        #expect(Self.names(ending: "-regression", "-multi-label").count == 6)
    }
}
