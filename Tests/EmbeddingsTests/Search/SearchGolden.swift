import JSON
import Tensors
import TestSupport

/// What sentence-transformers makes of small sets of vectors.
struct SearchGolden {
    let json: JSON
    init() throws { json = try Golden.json(Golden.directory("search")) }

    func tensor(_ key: String) -> Tensor {
        let rows = json[key]?.array ?? []
        return Tensor([rows.count, rows.first?.numbers.count ?? 0], rows.flatMap(\.numbers).map { Float($0) })
    }
}
