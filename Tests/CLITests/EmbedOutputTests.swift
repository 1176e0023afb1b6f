import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("graft embed's outputs")
struct EmbedOutputTests {
    private let scratch: TemporaryDirectory
    private let graft = Graft()
    private let model: String
    private let lines: String

    init() throws {
        scratch = try TemporaryDirectory()
        model = try TinyModel.make(in: scratch, named: "m").string
        let words = ["good", "bad", "the film was fine", "not very warm", "a cold plot", ""]
        lines = try scratch.write((0..<150).map { words[$0 % 6] + " \($0)" }.joined(separator: "\n"), to: "lines")
            .string
    }

    private func embed(_ options: String..., input: [UInt8] = []) async throws -> Graft.Outcome {
        try await graft.run(["embed", model] + options, input: input)
    }

    private func vectors(_ text: String) throws -> [[Double]] {
        try text.split(separator: "\n").map { try JSON(parsing: Array($0.utf8))["embedding"]?.numbers ?? [] }
    }

    @Test("vectors of several poolings side by side, cut and scaled to length 1")
    func dimensions() async throws {
        let whole = try vectors(await embed("--pooling", "mean,max", "--normalize", input: Array("good".utf8)).output)[
            0]
        #expect(whole.count == 64)
        let cut = try vectors(
            await embed(
                "--pooling", "mean,max", "--dimensions", "40", "--normalize", input: Array("good".utf8)
            ).output)[0]
        let length = whole.prefix(40).reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(cut.count == 40 && zip(cut, whole).allSatisfy { abs($0 - $1 / length) < 1e-6 })
        let refused = try await embed("--dimensions", "65", input: [])
        #expect(refused.status == 64 && refused.errors.contains("--dimensions is 65; the model's vectors have 32."))
        #expect(try await embed("--pooling", "mean,none", input: []).status == 64)
        let nowhere = try await embed(lines, "--output", scratch("no/v.npy").string)
        #expect(nowhere.status == 1 && nowhere.errors.contains("No such file or directory. Check the path"))
        let dash = try await embed(lines, "--output", "-")
        #expect(dash.status == 64 && dash.errors.contains("--output is -; leave it out"))
    }

    @Test("bytes are the places of the values in the calibration's ranges, in every format")
    func quantized() async throws {
        let floats = try vectors(await embed(lines).output)
        let ranges = (0..<32).map { column in
            (floats.map { Float($0[column]) }.min()!, floats.map { Float($0[column]) }.max()!)
        }
        let expected = floats.map { row in
            zip(row, ranges).map { value, range in
                Int(max(0, min(255, ((Float(value) - range.0) / ((range.1 - range.0) / 255)).rounded(.down)))) - 128
            }
        }
        let options = [lines, "--quantize", "int8", "--calibration"]
        let records = try await graft.run(["embed", model] + options + [lines])
        #expect(
            records.output.split(separator: "\n").compactMap {
                try? JSON(parsing: Array($0.utf8))["embedding"]?.integers
            } == expected)
        _ = try await graft.run(["embed", model, lines, "--format", "npy", "--output", scratch("all.npy").string])
        let table = try await graft.run(["embed", model] + options + [scratch("all.npy").string, "--format", "tsv"])
        #expect(table.output == expected.map { $0.map(String.init).joined(separator: "\t") + "\n" }.joined())
        _ = try await graft.run(
            ["embed", model] + options + [lines, "--format", "npy", "--output", scratch("bytes.npy").string])
        let file = try #require(contents(of: scratch("bytes.npy")))
        #expect(
            String(decoding: file.prefix(128), as: UTF8.self).contains(
                "'|i1', 'fortran_order': False, 'shape': (150, 32)"))
        #expect(file.dropFirst(128).map { Int(Int8(bitPattern: $0)) } == expected.flatMap { $0 })
        let bits = try await embed(lines, "--quantize", "ubinary", "--format", "tsv").output
        let first = bits.split(separator: "\n")[0].split(separator: "\t").compactMap { UInt8($0) }
        #expect(
            first.count == 4
                && (0..<32).allSatisfy { (first[$0 / 8] >> UInt8(7 - $0 % 8)) & 1 == (floats[0][$0] > 0 ? 1 : 0) })
    }

    @Test("lines of a calibration are read as the input's are")
    func jsonCalibration() async throws {
        let objects = try scratch.write(
            String(decoding: try #require(contents(of: FilePath(lines))), as: UTF8.self).split(separator: "\n")
                .map { "{\"text\": \"\($0)\"}\n" }.joined(), to: "objects"
        ).string
        let options = ["--quantize", "uint8", "--format", "tsv", "--calibration"]
        let plain = try await graft.run(["embed", model, lines] + options + [lines])
        let json = try await graft.run(["embed", model, objects, "--json"] + options + [objects])
        #expect(plain.status == 0 && json.status == 0 && json.output == plain.output, "\(json.errors)")
    }

    @Test("quantization without what it needs is refused")
    func quantizationErrors() async throws {
        #expect(try await embed("--quantize", "int8").errors.contains("--quantize int8 needs --calibration"))
        #expect(try await embed("--quantize", "binary", "--calibration", lines).status == 64)
        #expect(try await embed("--calibration", lines).status == 64)
        let one = try scratch.write("good\n", to: "one").string
        let few = try await embed("--quantize", "uint8", "--calibration", one)
        #expect(few.status == 1 && few.errors.contains("holds 1 vector; the ranges of their values need at least 2"))
        _ = try await embed(
            lines, "--dimensions", "7", "--format", "npy", "--output", scratch("seven.npy").string)
        let other = try await embed("--quantize", "uint8", "--calibration", scratch("seven.npy").string)
        #expect(other.status == 1 && other.errors.contains("seven.npy: its vectors have 7 dimensions; expected 32."))
    }

    @Test("a file that was cut anywhere is completed to the same bytes", arguments: ["jsonl", "npy", "tsv", "bin"])
    func resumed(_ format: String) async throws {
        let options = [lines, "--format", format, "--output"]
        let whole = scratch("whole.\(format)")
        #expect(try await graft.run(["embed", model] + options + [whole.string]).status == 0)
        let bytes = try #require(contents(of: whole))
        for share in [0.0, 0.01, 0.4, 0.7, 1] {
            let part = try scratch.write(Array(bytes.prefix(Int(share * Double(bytes.count)))), to: "part.\(format)")
            let result = try await graft.run(["embed", model] + options + [part.string, "--skip-done"])
            #expect(result.status == 0 && result.output.isEmpty, "\(result.errors)")
            #expect(contents(of: part) == bytes, "\(format) cut at \(share)")
        }
        let again = try await graft.run(["embed", model] + options + [whole.string])
        #expect(again.status == 1 && again.errors.contains("exists already"))
        #expect(contents(of: whole) == bytes)
    }

    @Test("a file of other settings, or of another input, is left as it is")
    func otherFile() async throws {
        func refusal(_ format: String, _ options: String...) async throws -> String {
            let file = scratch("f.\(format)")
            let before = contents(of: file)
            let result = try await graft.run(
                ["embed", model, lines, "--format", format, "--output", file.string, "--skip-done"] + options)
            #expect(result.status == 1 && contents(of: file) == before)
            return result.errors
        }
        for format in ["jsonl", "npy", "tsv"] {
            _ = try await graft.run(
                ["embed", model, lines, "--format", format, "--output", scratch("f.\(format)").string])
        }
        #expect(
            try await refusal("jsonl", "--dimensions", "8").contains(
                "holds jsonl with vectors of 32 values; this run writes jsonl with vectors of 8 values."))
        #expect(
            try await refusal("npy", "--dimensions", "8").contains(
                "holds vectors of 32 values in <f4; this run writes vectors of 8 values in <f4."))
        #expect(
            try await refusal("tsv", "--quantize", "binary").contains(
                "holds tsv with vectors of 32 values; this run writes tsv with vectors of 4 bytes."))
        try scratch.write("a text of mine\n", to: "f.jsonl")
        #expect(try await refusal("jsonl").contains("holds no records of graft embed"))
        try scratch.write("a text of mine\n", to: "f.tsv")
        #expect(try await refusal("tsv").contains("holds no numbers"))
        for (format, text) in [
            ("jsonl", "{\"title\": 1}"), ("jsonl", "notes"), ("tsv", "my notes"), ("npy", "notes"),
            ("npy", "\u{93}NUMPY"),
        ] {
            try scratch.write(text, to: "f.\(format)")
            #expect(try await refusal(format).contains("this run writes"), "\(text)")
        }
        let short = try scratch.write("good\n", to: "short").string
        try scratch.write("", to: "f.npy")
        _ = try await graft.run(
            ["embed", model, lines, "--format", "npy", "--output", scratch("f.npy").string, "--skip-done"])
        let result = try await embed(short, "--format", "npy", "--output", scratch("f.npy").string, "--skip-done")
        #expect(
            result.status == 1
                && result.errors.contains("holds 150 records; the input has 1 line. Is it the same input?"))
        #expect(try await embed("--skip-done").status == 64)
    }
}
