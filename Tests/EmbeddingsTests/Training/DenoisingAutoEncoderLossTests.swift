import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing
import Tokenizers
import Transformer

@Suite("DenoisingAutoEncoderLoss")
struct DenoisingAutoEncoderLossTests {
    private let encoder: TrainableSentenceEncoder

    init() throws {
        encoder = try TrainableSentenceEncoder(
            ModelDirectory(Golden.directory("modules/modes")), dropout: 0, pooling: .mean)
    }

    @Test("ten steps have sentence-transformers' losses, gradient norms and vectors, encoder and decoder tied")
    func parity() throws {
        let golden = try Golden.json(Golden.directory("denoising"), "training.json")
        let start = try SafeTensors(Golden.directory("denoising").appending("training.safetensors"))
        let decoder = try encoder.decoder(RandomSource(seed: 1))
        #expect(decoder.parameters.count == start.entries.count)
        for parameter in decoder.parameters {
            let value = try start.values(parameter.name)
            parameter.update { $0 = value }
        }
        let loss = DenoisingAutoEncoderLoss(decoder, dropout: nil)
        let parameters = encoder.parameters + loss.parameters
        let optimizer = Optimizer(parameters, groups: parameters.map { ParameterGroup($0, weightDecay: 0) })
        let rate = try #require(golden["learningRate"]?.number)
        let (losses, norms) = (golden["losses"]?.numbers ?? [], golden["gradientNorms"]?.numbers ?? [])
        func ids(_ texts: JSON?) -> [[Int32]] { (texts?.array ?? []).compactMap(\.string).map(encoder.tokenizerIDs) }
        for (step, batch) in (golden["batches"]?.array ?? []).enumerated() {
            let (vectors, saved) = encoder.forward(TokenBatch(ids(batch["damaged"])))
            let (value, gradients) = loss.evaluate([vectors], .texts(ids(batch["texts"])))
            encoder.backward(gradients[0], saved)
            let norm = optimizer.step(learningRate: rate)
            optimizer.clearGradients()
            #expect(abs(value - losses[step]) < 1e-4 * losses[step], "step \(step)")
            #expect(abs(norm - norms[step]) < 1e-3 * norms[step], "step \(step)")
        }
        #expect(optimizer.steps == 10 && losses.count == 10)
        let vectors = encoder.embed(ids(golden["texts"]))
        #expect(vectors.largestDifference(from: SentenceGoldens.tensor(golden["vectors"], vectors.shape)) < 1e-3)
    }

    @Test("a batch in several parts has the loss and the gradients of its texts, each counted by its tokens")
    func parts() throws {
        // More tokens than a part has.
        let texts = (0..<48).map { index -> [Int32] in
            let inner = (0..<20 + index % 37).map { place in Int32(5 + (place * 7 + index) % 40) }
            return [2] + inner + [3]
        }
        let vectors = RandomSource(seed: 8).normalTensor([48, 12], standardDeviation: 1)
        let loss = DenoisingAutoEncoderLoss(try encoder.decoder(RandomSource(seed: 1)), dropout: nil)
        let all = encoder.parameters + loss.parameters
        func gradients() -> [Tensor?] {
            defer { for parameter in all { parameter.clearGradient() } }
            return all.map { $0.gradient?.dense }
        }
        let (value, whole) = loss.evaluate([vectors], .texts(texts))
        let wholeGradients = gradients()
        let count = Double(texts.reduce(0) { $0 + $1.count - 1 })
        var sum = 0.0
        var rows: [Tensor] = []
        var sums: [Tensor?] = all.map { _ in nil }
        for (index, text) in texts.enumerated() {
            let (one, gradient) = loss.evaluate([vectors.rows(index..<index + 1)], .texts([text]))
            let share = Double(text.count - 1) / count
            sum += one * share
            func scaled(_ tensor: Tensor) -> Tensor {
                var result = tensor
                result.scale(by: Float(share))
                return result
            }
            rows.append(scaled(gradient[0]))
            for (place, gradient) in gradients().enumerated() {
                if let gradient { sums[place] = (sums[place] ?? .zeros(gradient.shape)) + scaled(gradient) }
            }
        }
        #expect(abs(value - sum) < 1e-5 * sum)
        #expect(whole[0].relativeDifference(from: Tensor(rows: rows)) < 1e-4)
        for ((parameter, found), expected) in zip(zip(all, wholeGradients), sums) {
            #expect((found == nil) == (expected == nil), "\(parameter.name)")
            guard let found, let expected, expected.sumOfSquares > 1e-8 else { continue }
            #expect(found.relativeDifference(from: expected) < 1e-3, "\(parameter.name)")
        }
    }

    @Test("texts of one token have nothing to say")
    func empty() throws {
        let loss = DenoisingAutoEncoderLoss(try encoder.decoder(RandomSource(seed: 1)), dropout: nil)
        let vectors = RandomSource(seed: 8).normalTensor([2, 12], standardDeviation: 1)
        let (value, gradients) = loss.evaluate([vectors], .texts([[2], [3]]))
        #expect(value == 0 && gradients[0] == .zeros([2, 12]))
        let mixed = loss.evaluate([vectors], .texts([[2], [2, 7, 3]]))
        #expect(mixed.loss > 0 && mixed.gradients[0].row(0).allSatisfy { $0 == 0 })
        #expect(mixed.gradients[0].row(1).contains { $0 != 0 })
    }

    @Test("the decoder does without what is behind the pooling: vectors may have another size than hidden states")
    func otherSize() throws {
        let encoder = try TrainableSentenceEncoder(ModelDirectory(Golden.directory("modules/modes")))
        #expect(encoder.size == 10)
        let loss = DenoisingAutoEncoderLoss(try encoder.decoder(RandomSource(seed: 1)), dropout: RandomSource(seed: 2))
        let ids = ["the film was good", "bad"].map(encoder.ids)
        let (vectors, saved) = encoder.forward(TokenBatch(ids))
        let (value, gradients) = loss.evaluate([vectors], .texts(ids))
        #expect(value > 0 && gradients[0].shape == vectors.shape)
        encoder.backward(gradients[0], saved)
        #expect(encoder.parameters.contains { $0.name == "modules.2.linear.weight" && $0.gradient != nil })
    }

    @Test("a family that cannot decode is refused")
    func refused() throws {
        let scratch = try TemporaryDirectory()
        for name in ["config.json", "model.safetensors"] {
            try scratch.write(
                try #require(contents(of: Golden.directory("families/jina").appending(name))), to: "jina/\(name)")
        }
        try scratch.write(TinyModel.vocabulary.prefix(20).joined(separator: "\n") + "\n", to: "jina/vocab.txt")
        let encoder = try TrainableSentenceEncoder(ModelDirectory(scratch("jina")))
        #expect(throws: ModelError.noDecoder(scratch("jina/config.json"), modelType: "bert")) {
            try encoder.decoder(RandomSource(seed: 1))
        }
    }

    @Test("words are what stands between blanks and marks; the prompt and special tokens belong to none")
    func words() throws {
        let encoder = try TrainableSentenceEncoder(ModelDirectory(Golden.directory("modules/modes")))
        #expect(encoder.prompt == "passage: ")
        let text = "the film was, filmz"
        let ids = encoder.ids(text)
        let words = try #require(encoder.tokensWithWords(text).words)
        #expect(ids.count == words.count)
        let tokens = ids.map { encoder.tokenizer.token(of: $0) ?? "" }
        let prompt = encoder.ids("").count - 1
        #expect(words.prefix(prompt).allSatisfy { $0 == -1 } && words.last == -1)
        for index in prompt + 1..<words.count - 1 {
            let continues = tokens[index].hasPrefix("##")
            #expect(words[index] == words[index - 1] + (continues ? 0 : 1), "\(tokens)")
        }
        #expect(words.max() == 4)
        encoder.maxLength = 7
        let cut = encoder.tokensWithWords(text)
        #expect(cut.isCut && cut.ids == encoder.ids(text) && encoder.tokens(text).isCut)
        #expect(cut.words?.count == 7 && cut.words?.last == -1)
        let empty = encoder.tokensWithWords("")
        #expect(!empty.isCut && empty.ids == encoder.ids("") && empty.words?.allSatisfy { $0 == -1 } == true)
    }

    @Test("words of bytes begin with their blank; further blanks stand by themselves")
    func wordsOfBytes() throws {
        let scratch = try TemporaryDirectory()
        for name in ["config.json", "model.safetensors"] {
            try scratch.write(
                try #require(contents(of: Golden.directory("families/roberta").appending(name))), to: "bytes/\(name)")
        }
        let pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "\u{120}"] + "thefilmwas".map { "\($0)" }
        let entries = pieces.enumerated().map { "\"\($1)\": \($0)" }
        try scratch.write("{\(entries.joined(separator: ", "))}", to: "bytes/vocab.json")
        try scratch.write("#version: 0.2\n", to: "bytes/merges.txt")
        let encoder = try TrainableSentenceEncoder(ModelDirectory(scratch("bytes")))
        // A token for each letter and blank, and one at each end.
        let found = encoder.tokensWithWords("the  film was ")
        #expect(found.words == [-1] + [0, 0, 0, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4] + [-1])
    }
}

extension TrainableSentenceEncoder {
    /// Without the prompt.
    fileprivate func tokenizerIDs(_ text: String) -> [Int32] { tokenizer.encoderIDs(text, maxLength: maxLength) }
}
