import Checkpoints
import JSON
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing

@Suite("ModelSummary")
struct ModelSummaryTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private func architecture(_ directory: ModelDirectory) throws -> JSON? {
        try ModelSummary(directory).json(listsTensors: false)["architecture"]
    }

    @Test(
        "layouts without a model_type of their own have their architecture's name",
        arguments: ["albert-zh", "electra-ltp"])
    func published(name: String) throws {
        let found = try architecture(ModelDirectory(Golden.directory("families").appending(name)))
        #expect(found == .string(name == "albert-zh" ? "albert_zh" : "electra"))
    }

    @Test("an architecture that is not named, or not run, is no error")
    func unknown() throws {
        try SafeTensors.write([("w", .zeros([2]))], to: scratch("model.safetensors"))
        try scratch.write("{}", to: "config.json")
        #expect(try architecture(ModelDirectory(scratch("."))) == .null)
        try scratch.write(#"{"model_type":"gpt2"}"#, to: "config.json")
        #expect(try architecture(ModelDirectory(scratch("."))) == .string("gpt2"))
    }
}
