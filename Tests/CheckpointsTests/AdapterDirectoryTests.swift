import Checkpoints
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("AdapterDirectory")
struct AdapterDirectoryTests {
    private let directory: TemporaryDirectory
    init() throws { directory = try TemporaryDirectory() }

    private func read(_ configuration: String, _ weights: String) throws -> AdapterDirectory? {
        try directory.write(configuration, to: "a/adapter_config.json")
        try SafeTensors.write([("w", Tensor([1], [1]))], to: directory("a/\(weights)"))
        return try AdapterDirectory(ModelDirectory(directory("a")))
    }

    @Test("PEFT's adapters are known by peft_type")
    func peft() throws {
        let found = try read(

            #"{"peft_type":"LORA","r":8,"lora_alpha":16,"target_modules":["query"],"base_model_name_or_path":"b"}"#,
            "adapter_model.safetensors")
        let adapter = try #require(found)
        #expect(adapter.library == .peft && adapter.kind == "LORA" && adapter.baseModel == "b")
        #expect(adapter.settings.map(\.key) == ["r", "lora_alpha", "target_modules"])
        #expect(adapter.weights.entries.count == 1)
    }

    @Test("AdapterHub's adapters are known by their config")
    func adapterHub() throws {
        let found = try read(

            #"{"name":"sst","model_type":"bert","config":{"architecture":"lora","r":4}}"#, "adapter.safetensors")
        let adapter = try #require(found)
        #expect(adapter.library == .adapterHub && adapter.kind == "lora" && adapter.baseModel == "bert")
        #expect(adapter.settings.map(\.key) == ["name", "r"])
    }

    @Test("a model with an adapter's settings beside it is a model; settings of nobody are refused")
    func others() throws {
        #expect(throws: CheckpointError.self) { try read("{}", "adapter_model.safetensors") }
        try directory.write("{}", to: "a/config.json")
        #expect(try AdapterDirectory(ModelDirectory(directory("a"))).map(\.kind) == nil)
    }
}
