import JSON
import Tensors
import TestSupport

/// What `generate_optimization.py` wrote.
enum OptimizationGoldens {
    static func section(_ name: String) throws -> JSON {
        try Golden.json(Golden.directory("optimization"))[name] ?? .null
    }
}

extension JSON {
    func tensor(_ key: String, _ shape: Shape) -> Tensor { Tensor(shape, (self[key]?.numbers ?? []).map { Float($0) }) }
}
