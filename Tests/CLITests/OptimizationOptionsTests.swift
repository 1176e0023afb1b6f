import Checkpoints
import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("graft finetune's options of optimization")
struct OptimizationOptionsTests {
    private let scratch: TemporaryDirectory
    private var graft = Graft()
    private let arguments: [String]

    init() throws {
        scratch = try TemporaryDirectory()
        graft.environment = ["HF_HOME": scratch("hf").string, "HF_HUB_CACHE": ""]
        let model = try TinyModel.make(in: scratch, named: "base")
        let train = try scratch.write(TinyModel.examples(24), to: "train.tsv")
        arguments = ["finetune", model.string, "--train", train.string, "--output", scratch("out").string]
    }

    @Test(
        "what is no number, out of range or does not go together is wrong usage",
        arguments: [
            (["--head-learning-rate", "fast"], "--head-learning-rate"), (["--warmup", "1.5"], "--warmup is 1.5"),
            (["--warmup", "-1"], "--warmup"), (["--weight-decay", "1"], "--weight-decay is 1.0"),
            (["--max-gradient-norm", "nan"], "--max-gradient-norm is nan"),
            (["--accumulate", "0"], "--accumulate is 0"),
            (["--layer-decay", "0"], "--layer-decay is 0.0"), (["--learning-rate-for", "bias"], "REGEX=RATE"),
            (["--learning-rate-for", "bias=fast"], "REGEX=RATE"), (["--learning-rate-for", "bias=2"], "REGEX=RATE"),
            (["--learning-rate-for", "([=1e-2"], "REGEX=RATE"),
            (["--label-smoothing", "1"], "--label-smoothing is 1.0"), (["--focal-gamma", "-1"], "--focal-gamma"),
            (["--class-weights", "positive"], "LABEL=WEIGHT"), (["--mixout", "1"], "--mixout is 1.0"),
            (["--dropout", "1"], "--dropout is 1.0"), (["--average-weights", "1"], "--average-weights is 1.0"),
            (["--huber-delta", "0"], "--huber-delta is 0.0"), (["--top-k-layers", "1"], "is for --method top-k"),
            (["--schedule-power", "3"], "is for --schedule polynomial"), (["--schedule", "steep"], "steep"),
            (["--optimizer", "adam"], "adam"), (["--method", "top-k", "--fgm", "1"], "--fgm needs word vectors"),
            (["--r-drop", "1", "--dropout", "0"], "--r-drop compares what dropout makes of a text"),
            (["--label-smoothing", "0.1", "--focal-gamma", "1"], "exclude each other"),
            (["--ordinal", "a,b", "--focal-gamma", "1"], "--ordinal goes with neither"),
            (["--find-learning-rate", "--resume"], "--find-learning-rate does not train"),
            (["--search", "1", "--optimizer", "adafactor-relative"], "there are none to look for"),
            (["--ordinal", "a,b,a"], "--ordinal is a,b,a; expected every label once"),
            (["--method", "lora", "--mixout", "0.1"], "--mixout puts back matrices of the model"),
            (["--method", "head", "--head-solver", "lbfgs", "--evaluate-every", "5"], "takes no steps"),
            (["--optimizer", "adafactor-relative", "--learning-rate", "1e-3"], "chooses its own rates"),
            (["--head-solver", "steps"], "--head-solver is for --method head"),
            (["--method", "head", "--head-solver", "lbfgs", "--r-drop", "1"], "use --head-solver steps"),
            (["--method", "head", "--epochs", "3", "--inverse-regularization", "1"], "is for --head-solver lbfgs"),
            (["--method", "head", "--mixout", "0.1"], "are for methods that train the encoder"),
            (["--inverse-regularization", "1"], "is for --method head"), (["--no-mean-layer"], "is for --method head"),
            (["--no-dev", "--patience", "2"], "--patience needs a dev set"),
            (["--method", "head", "--layer-decay", "0.9"], "--layer-decay is for methods that train layers"),
            (["--find-learning-rate", "--schedule", "cosine"], "leave --schedule out"),
            (["--find-learning-rate", "--tensorboard", "tb"], "leave --tensorboard out"),
        ])
    func usage(extra: [String], says part: String) async throws {
        let result = try await graft.run(arguments + extra)
        #expect(result.status == 64 && result.errors.contains(part), "\(result.errors)")
    }

    @Test(
        "what the labels or the model do not allow is refused in one line before anything is written",
        arguments: [
            (["--class-weights", "neutral=2"], "label \"neutral\" is not among negative, positive"),
            (["--ordinal", "negative,neutral,positive"], "label \"neutral\" is not among negative, positive"),
            (["--ordinal", "positive"], "--ordinal lacks the label \"negative\""),
            (["--huber-delta", "1"], "--huber-delta is for regression; the labels are single_label_classification"),
            (["--learning-rate-for", "decoder=1e-3"], "\"decoder\" matches no parameter that learns, such as"),
            (["--method", "top-k", "--top-k-layers", "3"], "--top-k-layers is 3; the model has 2 layers"),
        ])
    func refusals(extra: [String], says part: String) async throws {
        let result = try await graft.run(arguments + extra)
        #expect(result.status == 1 && result.errors.contains(part), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count { $0.hasPrefix("graft: error: ") } == 1)
        #expect(!scratch.names.contains("out"))
    }

    @Test("every value is in graft.json")
    func record() async throws {
        let result = try await graft.run(
            arguments + [
                "--epochs", "2", "--batch-size", "4", "--optimizer", "lion", "--schedule", "polynomial",
                "--schedule-power", "3", "--warmup", "2", "--weight-decay", "0.1", "--max-gradient-norm", "0.5",
                "--accumulate", "2", "--layer-decay", "0.9", "--head-learning-rate", "1e-3", "--learning-rate-for",
                "LayerNorm=1e-4", "--label-smoothing", "0.1", "--class-weights", "positive=2", "--r-drop", "0.5",
                "--mixout", "0.1", "--l2-sp", "0.01", "--fgm", "0.5", "--embedding-noise", "5", "--average-weights",
                "0.99", "--dropout", "0.2",
            ])
        #expect(result.status == 0, "\(result.errors)")
        let record = try JSONFile(scratch("out/graft.json"), purpose: "the test")
        let training = try #require(record.object["training"])
        #expect(training["weight_decay"] == .number(0.1) && training["steps"] == .integer(6))
        let expected = """
            {"optimizer":"lion","schedule":"polynomial","schedule_power":3.0,"warmup_steps":2,"max_gradient_norm":0.5,\
            "accumulate":2,"layer_decay":0.9,"head_learning_rate":0.001,\
            "learning_rate_for":[{"regex":"LayerNorm","rate":0.0001}],"label_smoothing":0.1,"class_weights":[1.0,2.0],\
            "r_drop":0.5,"mixout":0.1,"l2_sp":0.01,"fgm":0.5,"embedding_noise":5.0,"average_weights":0.99,"dropout":0.2}
            """
        var line = JSONWriter()
        line.write(try #require(training["optimization"]))
        #expect(String(decoding: line.bytes, as: UTF8.self) == expected)
    }

    @Test(
        "each method and optimizer trains a classifier that loads",
        arguments: [
            ["--method", "head", "--no-mean-layer"], ["--method", "head", "--epochs", "2"], ["--method", "top-k"],
            ["--method", "gradual"], ["--method", "bitfit"], ["--optimizer", "sgd"], ["--optimizer", "nesterov"],
            ["--optimizer", "adafactor"], ["--optimizer", "adafactor-relative"], ["--ordinal", "positive,negative"],
            ["--focal-gamma", "2", "--class-weights", "balanced"], ["--schedule", "one_cycle"],
        ])
    func methods(extra: [String]) async throws {
        let result = try await graft.run(arguments + extra)
        #expect(result.status == 0, "\(result.errors)")
        let lines = try await graft.run(["classify", scratch("out").string], input: Array("good film\n".utf8))
        #expect(lines.status == 0 && lines.output.contains("\"label\""), "\(lines.errors)")
    }
}
