import Embeddings
import FuzzSupport

/// A file of vectors is refused with a typed error, or its words can be looked up and written, and a classifier answers.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let path = unsafe scratchFile("vectors", UnsafeBufferPointer(start: data, count: count))
    _ = (try? FastTextClassifier(path))?.logits(["king", "CAFE\u{301}", ""])
    guard let vectors = try? WordVectors(path) else { return 0 }
    for word in ["king", "CAFE\u{301}", ""] { _ = try? vectors.find(word) }
    for row in 0..<min(vectors.count, 100) { _ = try? vectors.find(vectors.word(row)) }
    try? vectors.write(.graft, to: scratchFile("written", []))
    return 0
}
