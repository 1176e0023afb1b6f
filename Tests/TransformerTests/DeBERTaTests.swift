import Checkpoints
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("DeBERTa")
struct DeBERTaTests {
    private func file(_ changes: [String: JSON]) throws -> JSONFile {
        let path = Golden.directory("families/deberta-v3").appending("config.json")
        var file = try JSONFile(path, purpose: "the test")
        for (key, value) in changes { file.object[key] = value }
        return file
    }

    @Test("distances are counted as config.json says")
    func distances() throws {
        func kind(_ changes: [String: JSON]) throws -> DisentangledKind? {
            guard case .disentangled(let kind) = try EncoderArchitecture(file(changes)).relativePositions else {
                return nil
            }
            return kind
        }
        // A largest distance below 1 is the longest text.
        let published = try #require(
            try kind([
                "max_position_embeddings": .integer(512), "max_relative_positions": .integer(-1),
                "position_buckets": .integer(256),
            ]))
        #expect(published.distances == DistanceRows(span: 256, maxDistance: 512))
        #expect(published.hasKeys && published.hasQueries && published.sharesProjections && published.isNormalized)
        let plain = try #require(
            try kind([
                "max_relative_positions": .integer(30), "position_buckets": .integer(-1),
                "pos_att_type": .array([.string("c2p")]), "share_att_key": .bool(false), "norm_rel_ebd": .null,
            ]))
        #expect(plain.distances == DistanceRows(span: 30))
        #expect(plain.hasKeys && !plain.hasQueries && !plain.sharesProjections && !plain.isNormalized)
        #expect(try kind(["relative_attention": .bool(false)]) == nil)
    }

    @Test("what is not supported is refused by name")
    func refusals() throws {
        let cases: [(key: String, value: JSON, found: String, expected: String)] = [
            ("conv_kernel_size", .integer(3), "3", "0: convolutions are not supported"),
            ("attention_head_size", .integer(5), "5", "hidden_size / num_attention_heads"),
            ("pos_att_type", .string("c2p|p2p"), "\"c2p|p2p\"", "c2p, p2c or both"),
            ("norm_rel_ebd", .string("batch_norm"), "\"batch_norm\"", "\"layer_norm\" or \"none\""),
            ("position_buckets", .integer(80), "80", "from 2 to less than twice 40 positions"),
            ("pooler_hidden_size", .integer(8), "8", "hidden_size (16)"),
        ]
        for (key, value, found, expected) in cases {
            let file = try file([key: value])
            #expect(
                throws: CheckpointError.invalidValue(file.path, key: key, found: found, expected: expected)
            ) { try EncoderArchitecture(file) }
        }
    }
}
