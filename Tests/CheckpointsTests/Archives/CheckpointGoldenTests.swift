import Checkpoints
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Checkpoints written by torch and TensorFlow")
struct CheckpointGoldenTests {
    private static let directory = Golden.directory("checkpoints")

    private func check(_ found: any TensorArchive, _ expected: SafeTensors) throws {
        #expect(Set(found.entries.map(\.name)) == Set(expected.entries.map(\.name)))
        for entry in expected.entries {
            let read = try #require(found[entry.name], "\(entry.name)")
            #expect(read.shape == entry.shape, "\(entry.name)")
            #expect(read.dataType.isFloatingPoint == entry.dataType.isFloatingPoint, "\(entry.name)")
            guard entry.dataType.isFloatingPoint else {
                #expect(read.dataType == entry.dataType, "\(entry.name)")
                #expect(throws: CheckpointError.self) { try found.tensor(read) }
                continue
            }
            let value = try expected.tensor(entry)
            #expect(try found.tensor(read) == value, "\(entry.name)")
            let stored = try found.stored(read)
            #expect(stored.tensor == value, "\(entry.name)")
            guard value.shape.dimensions.count == 2 else { continue }
            for row in 0..<value.rows {
                #expect(stored.rows(row..<value.rows).rows(0..<1).tensor == value.rows(row..<row + 1), "\(entry.name)")
            }
        }
    }

    @Test(
        "a file of torch.save holds what torch.load reads",
        arguments: [
            "plain-zip", "plain-legacy", "views-zip", "views-legacy", "protocol-4", "protocol-5-legacy", "module",
            "training",
        ])
    func torch(name: String) throws {
        try check(
            TorchCheckpoint(Self.directory.appending("\(name).bin")),
            SafeTensors(Self.directory.appending("\(name).expected.safetensors")))
    }

    @Test("the storages of the zip form are read in place")
    func inPlace() throws {
        let file = try TorchCheckpoint(Self.directory.appending("plain-zip.bin"))
        #expect(try !file.stored(#require(file["f32"])).isTensor)
    }

    @Test("a TensorFlow checkpoint has PyTorch's names and directions, and no optimizer")
    func tensorFlow() throws {
        let model = ModelDirectory(Self.directory.appending("tf"))
        let weights = try model.openWeights()
        try check(weights, SafeTensors(model.path.appending("expected.safetensors")))
        #expect(try model.openConfiguration().string("model_type") == "bert")
    }
}
