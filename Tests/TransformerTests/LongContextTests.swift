import Checkpoints
import FoundationEssentials
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

/// Families for long texts against their references, by rows of a text of 1,600 tokens.
@Suite("Long contexts")
struct LongContextTests {
    static let directory = Golden.directory("long-contexts")
    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []).sorted()

    @Test("hidden states of far places agree, and those of the inference plan in every precision", arguments: names)
    func hiddenStates(name: String) throws {
        let directory = ModelDirectory(Self.directory.appending(name))
        let architecture = try EncoderArchitecture(JSONFile(directory.configuration, purpose: "the test"))
        let source = ParameterSource(
            try directory.openWeights(), spellings: architecture.spellings, random: RandomSource(seed: 0))
        let encoder = try TransformerEncoder(source.root, architecture)
        let expected = try SafeTensors(directory.path.appending("expected.safetensors"))
        let json = try Golden.json(directory.path)
        let rows = (json["rows"]?.integers ?? []).map { Int32($0) }
        let text = try #require(GoldenParityTests.sequences(json).first)
        #expect(text.ids.count == 1600 && rows.contains(1599))
        let states = encoder.hiddenStates(TokenBatch([text.ids]))
        for (layer, hidden) in states.enumerated() {
            let golden = try expected.values("hidden.\(layer)")
            #expect(hidden.gather(rows).relativeDifference(from: golden) < 1e-5, "layer \(layer)")
        }
        #expect(expected["hidden.\(states.count)"] == nil, "all layers were compared")
        // Company moves the text's rows, but not its places.
        let company = TokenBatch([Array(text.ids[..<7]), text.ids])
        let last = try expected.values("hidden.\(states.count - 1)")
        let limits: [Precision: Float] = [.f32: 1e-5, .bf16: 3e-2, .int8: 8e-2]
        for precision in Precision.available {
            let hidden = InferencePlan(encoder, precision: precision).encode(company).gather(rows.map { $0 + 7 })
            #expect(hidden.relativeDifference(from: last) < limits[precision]!, "\(precision)")
        }
    }

    @Test("there is a golden of each of the families")
    func coverage() { #expect(Self.names == ["gte", "jina", "modernbert", "nomic"]) }
}
