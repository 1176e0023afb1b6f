import Checkpoints
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("StoredRows")
struct StoredRowsTests {
    private let archive: TorchCheckpoint
    init() throws { archive = try TorchCheckpoint(Golden.directory("checkpoints").appending("plain-zip.bin")) }

    private func entry(_ name: String) throws -> TensorEntry { try #require(archive[name]) }

    @Test("rows are added in every type, as they are or times factors", arguments: ["f32", "f16", "bf16"])
    func sums(name: String) throws {
        let (rows, tensor) = (try archive.rows(entry(name)), try archive.tensor(entry(name)))
        #expect(rows.rows == tensor.rows && rows.columns == tensor.columns)
        var plain = [Float](repeating: 1, count: rows.columns)
        var weighted = plain
        rows.add([2, 0, 2], to: &plain)
        rows.add([2, 0], factors: [0.5, -3], to: &weighted)
        let (firsts, thirds) = (Array(tensor.row(0)), Array(tensor.row(2)))
        for column in 0..<rows.columns {
            let (first, third) = (firsts[column], thirds[column])
            #expect(abs(plain[column] - (1 + 2 * third + first)) < 1e-5)
            #expect(abs(weighted[column] - (1 + 0.5 * third - 3 * first)) < 1e-5)
        }
    }

    @Test("whole numbers of a byte are values without a scale")
    func bytes() throws {
        let rows = try archive.rows(entry("i8"))
        var sum: [Float] = [0]
        rows.add([0, 1, 1], to: &sum)
        #expect(sum == [3])
    }

    @Test("what is no matrix of numbers, or not row by row, is refused")
    func refusals() throws {
        #expect(throws: CheckpointError.notFloatingPoint(archive.path, name: "u8", .uint8)) {
            try archive.rows(entry("u8"))
        }
        for name in ["f64", "scalar"] { #expect(throws: CheckpointError.self) { try archive.rows(entry(name)) } }
        let views = try TorchCheckpoint(Golden.directory("checkpoints").appending("views-zip.bin"))
        let transposed = try #require(views["transposed"])
        #expect(
            throws: CheckpointError.invalidValue(
                views.path, key: "transposed", found: "[4, 6]", expected: "a matrix, row by row")
        ) { try views.rows(transposed) }
        #expect(try archive.integers(entry("i64")) == [0, 1, 2, 3, 4, 5])
        #expect(try archive.integers(entry("i32")) == [-7])
        #expect(
            throws: CheckpointError.invalidValue(archive.path, key: "i8", found: "I8", expected: "I64 or I32")
        ) { try archive.integers(entry("i8")) }
    }
}
