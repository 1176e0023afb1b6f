import Checkpoints
import JSON
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("InferencePlan")
struct InferencePlanTests {
    /// Configurations of several families, by their goldens, and what is larger here.
    private static let shapes: [String: [String: Int]] = [
        "tiny-bert-gelu": [
            "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 768, "max_position_embeddings": 256,
        ],
        "families/albert-zh": [
            "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 768, "max_position_embeddings": 256,
            "vocab_size": 120, "embedding_size": 96,
        ],
        "families/deberta-v3": [
            "hidden_size": 384, "num_attention_heads": 12, "pooler_hidden_size": 384, "intermediate_size": 768,
            "max_position_embeddings": 256, "vocab_size": 60, "position_buckets": 64,
        ],
        "families/modernbert": [
            "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 576, "max_position_embeddings": 256,
            "local_attention": 48, "vocab_size": 120,
        ],
        "families/nomic": ["n_embd": 384, "n_head": 12, "n_inner": 768, "n_positions": 256, "vocab_size": 120],
        "families/t5": [
            "d_model": 384, "num_heads": 12, "d_kv": 24, "d_ff": 768, "n_positions": 256, "vocab_size": 120,
        ],
        "families/t5-gated": [
            "d_model": 384, "num_heads": 6, "d_kv": 64, "d_ff": 576, "n_positions": 256, "vocab_size": 120,
        ],
        "families/gte": [
            "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 768, "max_position_embeddings": 256,
            "vocab_size": 120,
        ],
        "families/jina": [
            "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 768, "max_position_embeddings": 256,
            "vocab_size": 120,
        ],
    ]
    static let families = shapes.keys.sorted()

    /// An encoder whose matrices are wide enough to be computed in panels of columns.
    private func encoder(_ family: String) throws -> TransformerEncoder {
        let directory = ModelDirectory(Golden.directory(family))
        var file = try JSONFile(directory.configuration, purpose: "the test")
        for (key, value) in Self.shapes[family] ?? [:] { file.object[key] = .integer(value) }
        // T5's scores have no scale: those of larger random weights would be sharper than any trained model's.
        file.object["initializer_factor"] = .number(0.4)
        let source = ParameterSource(nil, random: RandomSource(seed: 5))
        return try TransformerEncoder(source.root.initializing, EncoderArchitecture(file))
    }

    private func sequences(_ lengths: [Int]) -> [[Int32]] {
        let random = RandomSource(seed: 11)
        return lengths.map { length in (0..<length).map { _ in Int32(random.next() % 60) } }
    }

    @Test(
        "a sequence encodes to the same bits alone, in company, inside a split, and cut to its first token",
        arguments: families, Precision.available)
    func independence(family: String, precision: Precision) throws {
        let plan = InferencePlan(try encoder(family), precision: precision)
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

    @Test("lower precisions stay near f32", arguments: families, Precision.available)
    func fidelity(family: String, precision: Precision) throws {
        let encoder = try encoder(family)
        let batch = TokenBatch(sequences([27, 40, 9, 140]))
        let exact = encoder.forward(batch).output
        let hidden = InferencePlan(encoder, precision: precision).encode(batch)
        // This one does not scale its scores, of which bytes and bfloat16 keep two digits.
        let limits: [Precision: Float] = [
            .f32: 1e-5, .bf16: 2e-2, .int8: family == "families/t5-gated" ? 5e-2 : 4e-2,
        ]
        #expect(hidden.relativeDifference(from: exact) < limits[precision]!)
    }

    @Test("an empty batch has no hidden states", arguments: Precision.available)
    func empty(precision: Precision) throws {
        let plan = InferencePlan(try encoder("tiny-bert-gelu"), precision: precision)
        #expect(plan.encode(TokenBatch()).rows == 0)
    }
}
