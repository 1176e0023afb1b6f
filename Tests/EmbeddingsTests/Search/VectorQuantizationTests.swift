import Embeddings
import JSON
import Tensors
import TestSupport
import Testing

@Suite("VectorQuantization")
struct VectorQuantizationTests {
    private func integers(_ quantizer: VectorQuantizer, _ vectors: Tensor) -> [[Int]] {
        (0..<vectors.rows).map { row in
            quantizer.bytes(vectors.row(row)).map {
                quantizer.quantization.isSigned ? Int(Int8(bitPattern: $0)) : Int($0)
            }
        }
    }

    @Test("bytes and bits are sentence-transformers'", arguments: VectorQuantization.allCases)
    func golden(_ quantization: VectorQuantization) throws {
        let golden = try SearchGolden()
        let vectors = golden.tensor("vectors")
        var ranges = ValueRanges(size: vectors.columns)
        ranges.include(golden.tensor("calibration"))
        let quantizer = VectorQuantizer(quantization, ranges: quantization.needsRanges ? ranges : nil)
        let expected = golden.json["quantized"]?[quantization.rawValue]?.array?.map(\.integers)
        #expect(integers(quantizer, vectors) == expected)
        #expect(expected?.first?.count == quantization.byteCount(vectors.columns))
    }

    @Test("ranges of the vectors themselves, taken in parts")
    func ownRanges() throws {
        let golden = try SearchGolden()
        let vectors = golden.tensor("vectors")
        var ranges = ValueRanges(size: vectors.columns)
        for start in stride(from: 0, to: vectors.rows, by: 10) {
            ranges.include(vectors.rows(start..<min(vectors.rows, start + 10)))
        }
        let expected = golden.json["quantizedByOwnRanges"]?.array?.map(\.integers)
        #expect(integers(VectorQuantizer(.uint8, ranges: ranges), vectors) == expected)
    }
}

@Suite("NPYFile")
struct NPYFileTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private func fault(_ bytes: [UInt8]) throws -> NPYFault? {
        let path = try scratch.write(bytes, to: "x.npy")
        do {
            let file = try NPYFile(path)
            _ = try file.vectors(0..<file.rows)
            return nil
        } catch SearchError.npy(let named, let fault) {
            #expect(named == path)
            return fault
        }
    }

    private func header(_ text: String, version: UInt8 = 1) -> [UInt8] {
        let length = version == 1 ? [UInt8(text.utf8.count), 0] : [UInt8(text.utf8.count), 0, 0, 0]
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(text.utf8)
    }

    @Test("every type of value is read as f32")
    func types() throws {
        func values(_ type: String, _ bytes: [UInt8], version: UInt8 = 1) throws -> [Float] {
            let text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (1, 2), }\n"
            let file = try NPYFile(try scratch.write(header(text, version: version) + bytes, to: "x.npy"))
            return try file.vectors(0..<1).values
        }
        #expect(try values("<f4", [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]) == [1, -2])
        #expect(try values("<f2", [0, 0x3C, 0, 0xC0], version: 2) == [1, -2])
        #expect(try values("<f8", [0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0xC0]) == [1, -2])
        #expect(try values("|i1", [1, 0xFE]) == [1, -2])
        #expect(try values("|u1", [1, 0xFE]) == [1, 254])
    }

    @Test("what is no array of vectors is refused by name")
    func faults() throws {
        let whole = NPYHeader.bytes(rows: 2, columns: 3) + [UInt8](repeating: 0, count: 24)
        #expect(try fault(whole) == nil)
        #expect(try fault([]) == .notNumPy)
        #expect(try fault(Array("graft\n".utf8)) == .notNumPy)
        #expect(try fault(Array(whole.dropLast())) == .truncated(expected: 152, found: 151))
        #expect(try fault(Array(whole.prefix(50))) == .truncated(expected: 128, found: 50))
        #expect(try fault(whole + [0]) == .tail(expected: 152, found: 153))
        #expect(try fault(header("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }\n")) == .shape("(3,)"))
        #expect(
            try fault(header("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 2), }\n"))
                == .shape("(9223372036854775807, 2)"))
        #expect(try fault(header("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }\n")) == .columnMajor)
        #expect(try fault(header("{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }\n")) == .elementType("|O"))
        #expect(try fault(header("x", version: 9)) == .version(9))
        var nan = whole
        nan.replaceSubrange(144..<148, with: [0, 0, 0xC0, 0x7F])
        #expect(try fault(nan) == .notFinite(row: 1))
        nan.replaceSubrange(144..<148, with: [0, 0, 0x80, 0xFE])
        #expect(try fault(nan) == .tooLarge(row: 1))
        #expect(
            try fault(header("{'descr': '|i1', 'fortran_order': False, 'shape': (9223372036854775807, 1), }\n"))
                == .shape("(9223372036854775807, 1)"))
    }
}
