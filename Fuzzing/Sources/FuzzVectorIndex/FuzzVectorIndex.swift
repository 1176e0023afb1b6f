import Embeddings
import FuzzSupport
import SystemPackage
import Tensors

/// An index is refused with a typed error, or it can be searched, and every entry is read or refused.
///
/// The input is index.json, a zero byte, and what all other files hold.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
    let end = bytes.firstIndex(of: 0) ?? bytes.count
    let rest = Array(bytes[min(bytes.count, end + 1)...])
    let directory = scratchDirectory(
        "index",
        [
            "index.json": Array(bytes[..<end]), "vectors.f32": rest, "codes.int8": rest, "codes.binary": rest,
            "entries": rest, "offsets": rest, "a.hnsw": rest,
        ])
    guard let index = try? VectorIndex(directory) else { return 0 }
    try? index.verify()
    for row in 0..<min(8, index.count) { _ = try? index.entry(row) }
    let query = Tensor([1, index.description.size], [Float](repeating: 0.5, count: index.description.size))
    for isExact in [false, true] {
        var settings = SearchSettings(topK: 3)
        settings.isExact = isExact
        for hit in index.search(query, settings)[0] { precondition(Int(hit.row) < index.count, "a row of the index") }
    }
    return 0
}
