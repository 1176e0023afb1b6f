import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Against sentence-transformers and Model2Vec: tiny models of their own, made by `generate_modules.py`.
@Suite("SentenceModules")
struct SentenceModulesTests {
    private static let directory = Golden.directory("modules")
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    @Test(
        "vectors equal the library's, under every prompt",
        arguments: ["modes", "without-prompt", "static", "model2vec", "model2vec-mapped"])
    func parity(name: String) throws {
        let path = Self.directory.appending(name)
        let golden = try Golden.json(path)
        let texts = (golden["texts"]?.array ?? []).compactMap(\.string)
        let prompts = try #require(golden["vectors"]?.object?.members)
        #expect(texts.count == 6 && prompts.count == (name.hasPrefix("model2vec") ? 1 : 4))
        for prompt in prompts {
            let encoder = try SentenceEncoder(ModelDirectory(path))
            if prompt.key != "default" { try encoder.usePrompt(named: prompt.key) }
            let expected = (prompt.value.array ?? []).flatMap { $0.numbers.map { Float($0) } }
            let vectors = encoder.embed(texts.map(encoder.ids))
            #expect(expected.count == texts.count * encoder.size)
            let difference = vectors.largestDifference(from: Tensor([texts.count, encoder.size], expected))
            // Model2Vec rounds vectors to the table's type.
            #expect(difference < (name == "model2vec-mapped" ? 1e-3 : 1e-5), "\(prompt.key)")
        }
    }

    @Test("what makes vectors is told step by step")
    func summary() throws {
        func summary(_ name: String) throws -> [String] {
            try SentenceModules(ModelDirectory(Self.directory.appending(name))).summary
        }
        #expect(
            try summary("without-prompt") == [
                "max and mean and weightedmean pooling without the prompt", "dense 36 → 36 gelu with residual",
                "dense 36 → 9",
            ])
        #expect(try summary("model2vec") == ["mean of a static vector for each token", "normalized"])
        #expect(try summary("../tiny-bert-gelu") == ["mean pooling"])
    }

    @Test("the older spelling of classes, with places of their own, is read; a choice of pooling replaces the model's")
    func olderSpelling() throws {
        let path = try TinyModel.make(in: scratch, named: "m/0_Transformer").removingLastComponent()
        try scratch.write(
            #"""
            [{"idx":0,"name":"0","path":"0_Transformer","type":"sentence_transformers.models.Transformer"},
             {"idx":1,"name":"1","path":"1_Pooling","type":"sentence_transformers.models.Pooling"},
             {"idx":2,"name":"2","path":"2_Normalize","type":"sentence_transformers.models.Normalize"}]
            """#, to: "m/modules.json")
        try scratch.write(
            #"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#, to: "m/1_Pooling/config.json")
        try scratch.write(#"{"max_seq_length": 7}"#, to: "m/0_Transformer/sentence_bert_config.json")
        let encoder = try SentenceEncoder(ModelDirectory(path))
        #expect(encoder.normalizes && encoder.maxLength == 7 && encoder.size == 32 && encoder.prompt == "")
        let ids = encoder.ids("the film was good and the plot was not")
        #expect(ids.count == 7)
        let vector = encoder.embed([ids])
        #expect(abs(vector.sumOfSquares - 1) < 1e-6)
        let mean = try SentenceEncoder(ModelDirectory(path), pooling: [.mean])
        #expect(mean.embed([ids]).largestDifference(from: vector) > 1e-3)
        mean.normalizes = false
        #expect(abs(mean.embed([ids]).sumOfSquares - 1) > 1e-3)
    }

    @Test("the tokenizer's limit counts where sentence-transformers has none, and positions are the end of all")
    func lengths() throws {
        let path = try TinyModel.make(in: scratch, named: "m")
        func length() throws -> Int? { try SentenceEncoder(ModelDirectory(path)).maxLength }
        #expect(try length() == 24)
        try scratch.write(#"{"model_max_length": 9}"#, to: "m/tokenizer_config.json")
        #expect(try length() == 9)
        try scratch.write(#"{"model_max_length": 1000000000000000019884624838656}"#, to: "m/tokenizer_config.json")
        #expect(try length() == 24)
        try scratch.write(#"{"max_seq_length": 512}"#, to: "m/sentence_bert_config.json")
        #expect(try length() == 24)
    }

    @Test("a module that is not supported is refused by its name, and so are settings")
    func refusals() throws {
        let path = try TinyModel.make(in: scratch, named: "m")
        func expect(
            _ file: String, key: String, found: String?, _ expected: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            #expect(
                throws: ModelError.checkpoint(
                    .invalidValue(path.appending(file), key: key, found: found, expected: expected)),
                sourceLocation: sourceLocation
            ) { try SentenceEncoder(ModelDirectory(path)) }
        }
        func modules(_ names: String...) throws {
            let modules = names.enumerated().map { #"{"path":"\#($0 == 0 ? "" : "\($0)")","type":"a.b.\#($1)"}"# }
            try scratch.write("[\(modules.joined(separator: ","))]", to: "m/modules.json")
        }
        try modules("CLIPModel")
        expect(
            "modules.json", key: "[0].type", found: "\"a.b.CLIPModel\"", "Transformer or StaticEmbedding")
        try modules("Transformer", "LSTM")
        expect(
            "modules.json", key: "[1].type", found: "\"a.b.LSTM\"",
            "Dense, Normalize, LayerNorm or Dropout, or Pooling before them")
        try scratch.write("[7]", to: "m/modules.json")
        expect("modules.json", key: "[0]", found: nil, "an object with type and path")
        try modules("Transformer", "Pooling")
        try scratch.write(#"{"pooling_mode": "attention"}"#, to: "m/1/config.json")
        expect(
            "1/config.json", key: "pooling_mode", found: "\"attention\"",
            "one or several of cls, mean, max, mean_sqrt_len_tokens, weightedmean, lasttoken")
        try modules("Transformer", "Dense")
        try scratch.write(
            #"{"in_features":2,"out_features":2,"activation_function":"os.system"}"#, to: "m/1/config.json")
        expect("1/config.json", key: "activation_function", found: "\"os.system\"", "a class of torch.nn")
        try modules("Transformer", "Dense")
        let dense = Self.directory.appending("modes/2_Dense")
        for file in ["config.json", "model.safetensors"] {
            try scratch.write(#require(contents(of: dense.appending(file))), to: "m/1/\(file)")
        }
        expect("modules.json", key: "Dense", found: "72 columns", "32, as the module before has")
    }

    @Test("a prompt that the model lacks is refused with those that it has")
    func prompts() throws {
        let path = Self.directory.appending("modes")
        let encoder = try SentenceEncoder(ModelDirectory(path))
        #expect(encoder.prompt == "passage: ")
        encoder.usePrompt("my own: ")
        #expect(encoder.prompt == "my own: ")
        #expect(
            throws: ModelError.unknownPrompt(
                path.appending("config_sentence_transformers.json"), name: "quest",
                known: ["document", "none", "passage", "query"])
        ) { try encoder.usePrompt(named: "quest") }
    }

    @Test("static embeddings have no precision and no pooling to choose, and need a row for every token")
    func staticRefusals() throws {
        let source = Self.directory.appending("model2vec")
        #expect(throws: ModelError.staticEmbeddings(source, option: "pooling max")) {
            try SentenceEncoder(ModelDirectory(source), pooling: [.max])
        }
        #expect(throws: ModelError.staticEmbeddings(source, option: "precision bf16")) {
            try SentenceEncoder(ModelDirectory(source), precision: .bf16)
        }
        let path = try TinyModel.make(in: scratch, named: "m")
        let weights = path.appending("model.safetensors")
        try scratch.write(#"{"model_type":"model2vec"}"#, to: "m/config.json")
        #expect(throws: ModelError.checkpoint(.missingTensor(weights, name: "embeddings"))) {
            try SentenceEncoder(ModelDirectory(path))
        }
        func expect(
            _ tensors: [(name: String, value: Tensor)], key: String, found: String, _ expected: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            try SafeTensors.write(tensors, to: weights)
            #expect(
                throws: ModelError.checkpoint(.invalidValue(weights, key: key, found: found, expected: expected)),
                sourceLocation: sourceLocation
            ) { try SentenceEncoder(ModelDirectory(path)) }
        }
        let (table, all) = (Tensor.zeros([71, 8]), "one for each of the tokenizer's 120")
        try expect([("embeddings", table)], key: "embeddings", found: "for 71 tokens", all)
        try expect(
            [("embeddings", .zeros([120, 8])), ("weights", .zeros([7]))], key: "weights", found: "for 7 tokens", all)
        try expect(
            [("embeddings", table), ("mapping", .zeros([120]))], key: "mapping", found: "F32", "I64 or I32")
        try expect([("embeddings", .zeros([120]))], key: "embeddings", found: "[120]", "a matrix, row by row")
    }

    @Test("an empty text, and one of unknown tokens alone, has the vector zero")
    func empty() throws {
        let encoder = try SentenceEncoder(ModelDirectory(Self.directory.appending("model2vec")))
        let vectors = encoder.embed(["", "zz", "film"].map(encoder.ids))
        #expect(vectors.rows(0..<2).sumOfSquares == 0 && abs(vectors.rows(2..<3).sumOfSquares - 1) < 1e-6)
        #expect(encoder.embed([]).shape == [0, 8])
    }

    @Test("a module's place is in the model's directory")
    func outside() throws {
        let path = try TinyModel.make(in: scratch, named: "m")
        try scratch.write(#"[{"path":"../other","type":"Transformer"}]"#, to: "m/modules.json")
        #expect(
            throws: ModelError.checkpoint(
                .invalidValue(
                    path.appending("modules.json"), key: "[0].path", found: "\"../other\"",
                    expected: "a place in the model's directory"))
        ) { try SentenceEncoder(ModelDirectory(path)) }
    }
}
