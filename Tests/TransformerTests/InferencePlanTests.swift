import Checkpoints
import JSON
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("InferencePlan")
struct InferencePlanTests {
    /// An encoder whose matrices are wide enough to be computed in panels of columns.
    private func encoder(_ name: String = "tiny-bert-gelu") throws -> TransformerEncoder {
        let directory = ModelDirectory(Golden.directory(name))
        var file = try JSONFile(directory.configuration, purpose: "the test")
        file.object["hidden_size"] = .integer(384)
        file.object["num_attention_heads"] = .integer(12)
        file.object["pooler_hidden_size"] = .integer(384)
        file.object["intermediate_size"] = .integer(768)
        file.object["max_position_embeddings"] = .integer(256)
        file.object["vocab_size"] = .integer(60)
        file.object["position_buckets"] = .integer(64)
        let source = ParameterSource(nil, random: RandomSource(seed: 5))
        return try TransformerEncoder(source.root.initializing, EncoderArchitecture(file))
    }

    /// Plain attention, and attention that reads distances.
    private static let names = ["tiny-bert-gelu", "families/deberta-v3"]

    private func sequences(_ lengths: [Int]) -> [[Int32]] {
        let random = RandomSource(seed: 11)
        return lengths.map { length in (0..<length).map { _ in Int32(random.next() % 60) } }
    }

    @Test(
        "a sequence encodes to the same bits alone, in company, inside a split, and cut to its first token",
        arguments: names, Precision.available)
    func independence(name: String, precision: Precision) throws {
        let plan = InferencePlan(try encoder(name), precision: precision)
        let sequences = sequences([3, 27, 8, 1, 33, 16, 96, 12, 30, 130, 5, 200])
        let company = TokenBatch(sequences)
        let together = plan.encode(company)
        let firsts = plan.encode(company, firstOnly: true)
        let alone = sequences.map { plan.encode(TokenBatch([$0])) }
        let split = parallelMap(sequences.count) { plan.encode(TokenBatch([sequences[$0]])) }
        for (index, rows) in company.sequences.enumerated() {
            #expect(together.rows(rows).isSameRows(as: alone[index]), "sequence \(index) in company")
            #expect(split[index].isSameRows(as: alone[index]), "sequence \(index) inside a split")
            #expect(firsts.rows(index..<index + 1).isSameRows(as: alone[index].rows(0..<1)), "first of \(index)")
        }
    }

    @Test("lower precisions stay near f32", arguments: names, Precision.available)
    func fidelity(name: String, precision: Precision) throws {
        let encoder = try encoder(name)
        let batch = TokenBatch(sequences([27, 40, 9, 140]))
        let exact = encoder.forward(batch).output
        let hidden = InferencePlan(encoder, precision: precision).encode(batch)
        let limits: [Precision: Float] = [.f32: 1e-5, .bf16: 2e-2, .int8: 4e-2]
        #expect(hidden.relativeDifference(from: exact) < limits[precision]!)
    }

    @Test("an empty batch has no hidden states", arguments: Precision.available)
    func empty(precision: Precision) throws {
        let plan = InferencePlan(try encoder(), precision: precision)
        #expect(plan.encode(TokenBatch()).rows == 0)
    }
}
