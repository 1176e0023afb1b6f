import Embeddings
import FuzzSupport

/// A table of four rows with two numbers each.
private let table: [UInt8] = {
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2), }\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8)
        + [UInt8](repeating: 1, count: 32)
}()

private let words = Array(#"["king","queen","naïve","extraordinarily"]"#.utf8)

/// Keys are refused with a typed error, or their words can be looked up and written; then the same of the table, and of the
/// words.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
    // "number", "meta" and "X" are names of spaCy's own.
    let keys: [UInt8] = [0x83, 0xCD, 1, 0xB0, 0, 0xCD, 1, 0xA8, 3, 101, 0]
    for (table, keys, words) in [(table, bytes, words), (bytes, keys, words), (table, keys, bytes)] {
        let folder = scratchDirectory("spacy", ["vectors": table, "key2row": keys, "strings.json": words])
        guard let vectors = try? WordVectors(folder) else { continue }
        for word in ["king", "number", "CAFE\u{301}", ""] { _ = try? vectors.find(word) }
        for row in 0..<min(vectors.count, 100) { _ = try? vectors.find(vectors.word(row)) }
        let written = scratchFile("written", [])
        guard (try? vectors.write(.graft, to: written)) != nil else { continue }
        guard (try? WordVectors(written)) != nil else { fatalError("what was written is not read") }
    }
    return 0
}
