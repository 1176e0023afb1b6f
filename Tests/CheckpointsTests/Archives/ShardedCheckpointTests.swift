import Checkpoints
import FoundationEssentials
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("ShardedCheckpoint and ModelDirectory")
struct ShardedCheckpointTests {
    private let directory: TemporaryDirectory
    init() throws { directory = try TemporaryDirectory() }

    private func model() -> ModelDirectory { ModelDirectory(directory("model")) }

    private func write(_ names: [String], to file: String) throws {
        try directory.write([], to: "model/.keep")
        try SafeTensors.write(names.map { ($0, Tensor([1], [Float($0.utf8.first!)])) }, to: directory("model/\(file)"))
    }

    private func write(index: String) throws {
        try directory.write("{\"weight_map\":{\(index)}}", to: "model/model.safetensors.index.json")
    }

    private func fault() -> ShardFault? {
        do {
            _ = try model().openWeights()
            return nil
        } catch CheckpointError.invalidShards(_, let fault) { return fault } catch {
            Issue.record("\(error)")
            return nil
        }
    }

    @Test("tensors of several files are found by name")
    func shards() throws {
        try write(["a", "b"], to: "one.safetensors")
        try write(["c"], to: "two.safetensors")
        try write(index: #""a":"one.safetensors","b":"one.safetensors","c":"two.safetensors""#)
        let weights = try model().openWeights()
        #expect(weights.entries.map(\.name) == ["a", "b", "c"])
        #expect(try weights.values("c") == Tensor([1], [99]))
        #expect(weights.files.count == 3 && weights.format == "safetensors in 2 files")
    }

    @Test("an index that does not fit its files is refused")
    func faults() throws {
        try write(["a", "b"], to: "one.safetensors")
        try write(["a"], to: "two.safetensors")
        for path in ["../x.safetensors", "/etc/passwd", "sub/x.safetensors", "..", ".", ""] {
            try write(index: #""a":"\#(path)""#)
            #expect(fault() == .outsideDirectory(path))
        }
        try write(index: #""a":1"#)
        #expect(fault() == .outsideDirectory("a number"))
        try write(index: #""a":"three.safetensors""#)
        #expect(fault() == .missing("three.safetensors"))
        try write(index: #""a":"one.safetensors","b":"one.safetensors","c":"one.safetensors""#)
        #expect(fault() == .missingTensor("c", shard: "one.safetensors"))
        try write(index: #""a":"one.safetensors""#)
        #expect(fault() == .unlistedTensor("b", shard: "one.safetensors"))
        try write(index: #""a":"one.safetensors","b":"one.safetensors","a":"two.safetensors""#)
        #expect(fault() == .duplicateName("a"))
        try write(index: #""a":"one.safetensors","b":"one.safetensors","a":"one.safetensors""#)
        #expect(fault() == .duplicateName("a"))
    }

    @Test("weights are looked for in one order, and their absence is said")
    func order() throws {
        try directory.write([], to: "model/.keep")
        #expect(throws: CheckpointError.noWeights(model().path)) { try model().weights() }
        try directory.write([], to: "model/tf_model.h5")
        #expect(throws: CheckpointError.unsupportedFormat(directory("model/tf_model.h5"), format: "a Keras checkpoint"))
        {
            try model().weights()
        }
        for name in ["a.ckpt", "b.ckpt"] {
            try directory.write([], to: "model/\(name).index")
            try directory.write([], to: "model/\(name).data-00000-of-00001")
        }
        #expect(throws: CheckpointError.severalWeights(model().path, ["a.ckpt.index", "b.ckpt.index"])) {
            try model().weights()
        }
        for name in ModelDirectory.weightNames.reversed() {
            try directory.write([], to: "model/\(name)")
            #expect(try model().weights() == directory("model/\(name)"))
        }
    }

    // MARK: Links

    private func link(_ name: String, to target: String) throws {
        try directory.write([], to: "\(name).keep")
        try FileManager.default.createSymbolicLink(
            atPath: directory(name).string, withDestinationPath: target)
    }

    @Test("links of the hub's cache are followed, links to elsewhere are not")
    func links() throws {
        try SafeTensors.write([("a", Tensor([1], [1]))], to: directory("outside.safetensors"))
        try link("model/model.safetensors", to: "../outside.safetensors")
        let file = directory("model/model.safetensors")
        let target = FilePath(URL(filePath: directory("outside.safetensors").string).resolvingSymlinksInPath().path)
        #expect(throws: CheckpointError.leadsOutside(file, target: target)) { try model().openWeights() }

        let hub = "models--o--n"
        try directory.write([], to: "\(hub)/blobs/.keep")
        try SafeTensors.write([("a", Tensor([1], [1]))], to: directory("\(hub)/blobs/0123"))
        try link("\(hub)/snapshots/r/model.safetensors", to: "../../blobs/0123")
        #expect(try ModelDirectory(directory("\(hub)/snapshots/r")).openWeights().entries.count == 1)
        try link("\(hub)/snapshots/s/model.safetensors", to: "../../../outside.safetensors")
        #expect(throws: CheckpointError.self) { try ModelDirectory(directory("\(hub)/snapshots/s")).openWeights() }
        // A name that merely begins alike is not the directory.
        try SafeTensors.write([("a", Tensor([1], [1]))], to: directory("model" + "2.safetensors"))
        try link("model3/model.safetensors", to: "../model2.safetensors")
        #expect(throws: CheckpointError.self) { try ModelDirectory(directory("model3")).openWeights() }
    }
}
