import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tasks
import TestSupport
import Testing

/// Records beside the results of transformers' and sentence-transformers' pipelines, made by `generate_pipelines.py`.
@Suite("Pipelines against transformers")
struct PipelineParityTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private func directory(_ name: String) -> FilePath { Golden.directory("pipelines").appending(name) }

    private func records(_ inputs: [InputText], _ render: ([RecordStream.Item]) -> [UInt8]) throws -> [JSON] {
        let bytes = render(inputs.enumerated().map { ($0, .success($1)) })
        return try bytes.split(separator: UInt8(ascii: "\n")).map { try JSON(parsing: Array($0)) }
    }

    private func texts(_ expected: JSON) -> [InputText] {
        (expected["texts"]?.array ?? []).map { InputText(text: $0.string ?? "") }
    }

    private func isClose(_ found: JSON?, _ golden: JSON?) -> Bool {
        guard let found = found?.number, let golden = golden?.number else { return false }
        return abs(found - golden) < 1e-5
    }

    @Test(
        "entities agree for every aggregation strategy", arguments: ["tag-bert", "tag-roberta"],
        AggregationStrategy.allCases)
    func entities(name: String, aggregation: AggregationStrategy) throws {
        let tagger = try TokenTagger(ModelDirectory(directory(name)))
        let expected = try Golden.json(directory(name))
        let inputs = texts(expected)
        let found = try records(inputs, EntityRecords(tagger, aggregation: aggregation).render)
        let goldens = try #require(expected[aggregation.rawValue]?.array)
        #expect(found.count == goldens.count && goldens.contains { $0.array?.isEmpty == false })
        for (index, golden) in goldens.enumerated() {
            let entities = try #require(found[index]["entities"]?.array)
            let wanted = golden.array ?? []
            #expect(entities.count == wanted.count, "text \(index)")
            for (entity, golden) in zip(entities, wanted) {
                for key in ["label", "start", "end"] { #expect(entity[key] == golden[key], "text \(index)") }
                #expect(isClose(entity["score"], golden["score"]), "text \(index)")
                let scalars = Array(inputs[index].text.unicodeScalars)
                let range = (entity["start"]?.integer ?? 0)..<(entity["end"]?.integer ?? 0)
                #expect(entity["text"]?.string.map { Array($0.unicodeScalars) } == Array(scalars[range]))
            }
        }
    }

    @Test("words for masked places agree", arguments: ["fill-bert", "fill-roberta"])
    func maskedWords(name: String) throws {
        let model = try MaskedLanguageModel(ModelDirectory(directory(name)))
        let expected = try Golden.json(directory(name))
        let found = try records(texts(expected), MaskRecords(model, topK: 7).render)
        let goldens = try #require(expected["masks"]?.array)
        #expect(found.count == goldens.count)
        for (record, golden) in zip(found, goldens) {
            let places = try #require(record["masks"]?.array)
            #expect(places.count == golden.array?.count)
            for (place, golden) in zip(places, golden.array ?? []) {
                let candidates = try #require(place["tokens"]?.array)
                #expect(candidates.map { $0["id"] } == golden.array?.map { $0["id"] })
                for (candidate, golden) in zip(candidates, golden.array ?? []) {
                    #expect(isClose(candidate["score"], golden["score"]))
                    #expect(candidate["token"] == golden["token"])
                }
            }
        }
        #expect(model.mask.isEmpty == false)
        #expect(MaskRecords(model, topK: 1).fault(InputText(text: "a \(model.mask)\u{301} b"), line: 1) == nil)
        #expect(MaskRecords(model, topK: 1).fault(InputText(text: "a b"), line: 3) != nil)
        let place = try #require(found[0]["masks"]?.array?.first)
        #expect(place["start"] == .integer(13) && place["end"] == .integer(13 + model.mask.count))
    }

    @Test(
        "a cross-encoder's scores of pairs agree",
        arguments: ["cross-encoder", "cross-encoder-identity", "cross-encoder-labels"])
    func crossEncoder(name: String) throws {
        try compare(SequenceClassifier(ModelDirectory(directory(name))), with: Golden.json(directory(name)))
    }

    @Test(
        "the function of a cross-encoder is found where earlier versions wrote it",
        arguments: [
            #""sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity", "version": "4.0.1"}"#,
            #""sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity""#,
        ])
    func earlierSettings(member: String) throws {
        let model = try copy("cross-encoder-identity", member: member)
        try compare(SequenceClassifier(model), with: Golden.json(directory("cross-encoder-identity")))
    }

    @Test("a function that is not run is refused by name")
    func unknownFunction() throws {
        let model = try copy("cross-encoder", member: #""sbert_ce_default_activation_function": "torch.nn.Tanh""#)
        #expect(
            throws: ModelError.checkpoint(
                .invalidValue(
                    model.configuration, key: "sbert_ce_default_activation_function", found: "\"torch.nn.Tanh\"",
                    expected: "Sigmoid or Identity of torch.nn"))
        ) { try SequenceClassifier(model) }
    }

    /// The model with one more member in `config.json` and without sentence-transformers' own file.
    private func copy(_ name: String, member: String) throws -> ModelDirectory {
        for file in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"] {
            var bytes = try #require(contents(of: directory(name).appending(file)))
            if file == "config.json" { bytes = Array("{\(member),".utf8) + bytes.dropFirst() }
            try scratch.write(bytes, to: "copy/\(file)")
        }
        return ModelDirectory(scratch("copy"))
    }

    private func compare(_ classifier: SequenceClassifier, with expected: JSON) throws {
        #expect(classifier.isCrossEncoder)
        let pairs = try #require(expected["pairs"]?.array)
        let inputs = pairs.map { InputText(text: $0.array?[0].string ?? "", pair: $0.array?[1].string) }
        let found = try records(inputs, ClassificationRecords(classifier, showsAllScores: true).render)
        let goldens = try #require(expected["scores"]?.array)
        #expect(found.count == goldens.count)
        for (record, golden) in zip(found, goldens) {
            if let scores = golden.array {
                for (label, score) in zip(classifier.labels, scores) {
                    #expect(isClose(record["scores"]?[label], score))
                }
            } else {
                #expect(isClose(record["score"], golden))
            }
        }
    }
}
