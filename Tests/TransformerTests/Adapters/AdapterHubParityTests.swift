import Checkpoints
import FoundationEssentials
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

/// Adapters against AdapterHub's library: files made by `generate_adapterhub.py`.
@Suite("Adapters against AdapterHub")
struct AdapterHubParityTests {
    static let directory = Golden.directory("adapterhub")

    static func names(where isWanted: (String) -> Bool) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? [])
            .filter { $0 != "bases" && isWanted($0) }.sorted()
    }

    static func isComposition(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: directory.appending(name).appending("first").string)
    }

    static func base(_ name: String) -> ModelDirectory {
        ModelDirectory(directory.appending("bases").appending(String(name.prefix { $0 != "-" })))
    }

    static func encoder(_ name: String) throws -> TransformerEncoder {
        let architecture = try EncoderArchitecture(base(name).openConfiguration())
        let source = ParameterSource(
            try base(name).openWeights(), spellings: architecture.spellings, random: RandomSource(seed: 0))
        return try TransformerEncoder(source.root, architecture)
    }

    /// An adapter, or several, on their base with the head.
    struct Case {
        let encoder: TransformerEncoder
        let head: ClassificationHead
        let headSource: ParameterSource
        let expected: JSON
        /// Of every step: the texts and their labels.
        let batches: [(texts: TokenBatch, labels: [Int])]

        init(_ name: String) throws {
            let path = AdapterHubParityTests.directory.appending(name)
            let encoder = try AdapterHubParityTests.encoder(name)
            expected = try Golden.json(path)
            let last = try AdapterHubDirectory(ModelDirectory(path.appending(isComposition(name) ? "second" : ".")))
            if isComposition(name) {
                try encoder.attach(AdapterHubDirectory(ModelDirectory(path.appending("first"))))
            }
            try encoder.attach(last)
            if isComposition(name) { try Self.compose(name, encoder, path, expected) }
            self.encoder = encoder
            let published = try #require(last.head)
            headSource = ParameterSource(published.weights, random: RandomSource(seed: 0))
            head = try ClassificationHead(
                headSource.root, encoder.architecture, head: published.architecture(encoder.architecture),
                labels: published.labels.count)
            try headSource.checkAllUsed { _ in false }
            batches = (expected["batches"]?.array ?? []).map { rows in
                var texts = TokenBatch()
                for row in rows.array ?? [] { texts.append((row["inputIDs"]?.integers ?? []).map { Int32($0) }) }
                return (texts, (rows.array ?? []).compactMap { $0["label"]?.integer })
            }
        }

        private static func compose(
            _ name: String, _ encoder: TransformerEncoder, _ path: FilePath, _ expected: JSON
        ) throws {
            let none = ParameterSource(nil, random: RandomSource(seed: 0))
            let names = ["first", "second"]
            if name.hasSuffix("stack") {
                try encoder.compose(.stack(names), from: none)
                for adapter in encoder.adapters { for parameter in adapter.parameters { parameter.isTrainable = true } }
            } else if name.hasSuffix("average") {
                let weights = (expected["weights"]?.numbers ?? []).map { Float($0) }
                try encoder.compose(.average(names, weights: weights), from: none)
                for adapter in encoder.adapters { for parameter in adapter.parameters { parameter.isTrainable = true } }
            } else {
                try encoder.attach(AdapterHubFusionDirectory(ModelDirectory(path.appending("fusion"))))
            }
        }

        var parameters: [Parameter] {
            (encoder.adapters.flatMap(\.parameters) + headSource.parameters).filter(\.isTrainable)
        }

        func forward(_ texts: TokenBatch) -> (Tensor, TransformerEncoder.Saved, ClassificationHead.Saved) {
            let (hidden, saved) = encoder.forward(texts, firstOnly: true)
            let (logits, headSaved) = head.forward(hidden)
            return (logits, saved, headSaved)
        }
    }

    static let all = names { _ in true }

    @Test("logits agree, of the layers and of inference plans", arguments: all)
    func logits(name: String) throws {
        let test = try Case(name)
        let rows = (test.expected["logits"]?.array ?? []).map { $0.numbers.map { Float($0) } }
        let golden = Tensor([rows.count, 3], rows.flatMap { $0 })
        let texts = test.batches[0].texts
        #expect(test.forward(texts).0.relativeDifference(from: golden) < 1e-5)
        for precision in Precision.available {
            let plan = InferencePlan(test.encoder, precision: precision)
            let hidden = plan.encode(texts, firstOnly: true)
            let limit: Float = precision == .f32 ? 1e-5 : 0.1
            #expect(test.head.forward(hidden).logits.relativeDifference(from: golden) < limit, "\(precision)")
            let alone = plan.encode(TokenBatch([texts.inputIDs[texts.sequences[1]].map { $0 }]), firstOnly: true)
            #expect(alone.isSameRows(as: hidden.rows(1..<2)), "\(precision), alone")
        }
    }

    @Test("as many values learn, and the losses of ten steps agree", arguments: all)
    func training(name: String) throws {
        let test = try Case(name)
        let parameters = test.parameters
        #expect(parameters.reduce(0) { $0 + $1.shape.count } == test.expected["learned"]?.integer)
        let base = test.encoder.parameters.map(\.value)
        let optimizer = Optimizer(parameters)
        let rate = try #require(test.expected["learningRate"]?.number)
        for (step, golden) in (test.expected["losses"]?.numbers ?? []).enumerated() {
            let batch = test.batches[step]
            let (logits, saved, headSaved) = test.forward(batch.texts)
            let (loss, gradient) = CrossEntropyLoss.evaluate(logits, targets: batch.labels)
            #expect(abs(loss - golden) < 1e-4, "step \(step)")
            test.encoder.backward(test.head.backward(gradient, headSaved), saved)
            test.encoder.regularizeFusions()
            optimizer.step(learningRate: rate)
            optimizer.clearGradients()
        }
        #expect(test.encoder.parameters.map(\.value) == base, "the base stays as it was")
    }

    @Test("there are goldens of every kind on both bases")
    func coverage() { #expect(Self.all.count == 18) }
}
