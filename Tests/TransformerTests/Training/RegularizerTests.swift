import Tensors
import TestSupport
import Testing
import Transformer

@Suite("Regularizers")
struct RegularizerTests {
    @Test("mixout puts a share back to where it started, scales the rest, and hands on the gradient of what learns")
    func mixout() {
        let start = Tensor([40, 50], [Float](repeating: 1, count: 2_000))
        let parameter = Parameter("a.weight", start)
        let mixout = Mixout([parameter], probability: 0.25)
        parameter.update { $0 = Tensor(repeating: 4, $0.shape) }
        mixout.mix(RandomSource(seed: 3))
        // 1, or 1 + (4 - 1)/(3/4).
        let mixed = parameter.value.values
        #expect(mixed.allSatisfy { $0 == 1 || abs($0 - 5) < 1e-6 })
        let share = Double(mixed.count { $0 == 1 }) / 2_000
        #expect(abs(share - 0.25) < 0.04)
        parameter.accumulate { $0 = Tensor(repeating: 3, $0.shape) }
        mixout.separate()
        #expect(parameter.value == Tensor(repeating: 4, [40, 50]))
        let gradient = parameter.gradient?.dense.values ?? []
        #expect(zip(gradient, mixed).allSatisfy { $1 == 1 ? $0 == 0 : abs($0 - 4) < 1e-6 })
        mixout.mix(RandomSource(seed: 3))
        #expect(parameter.value.values == mixed)
        mixout.separate()
        mixout.mix(RandomSource(seed: 4))
        #expect(parameter.value.values != mixed)
    }

    @Test("the penalty pulls to where training started, new parameters to zero")
    func penalty() {
        let old = Parameter("old", Tensor([2], [1, 2]))
        let new = Parameter("new", Tensor([1], [3]))
        let frozen = Parameter("frozen", Tensor([1], [7]))
        let penalty = StartingPointPenalty([old, new, frozen], strength: 0.5, strengthOfNew: 0.1) { $0 === new }
        old.update { $0 = Tensor([2], [3, 2]) }
        frozen.isTrainable = false
        // ½·0.5·2² + ½·0.1·3²
        #expect(abs(penalty.addGradients() - 1.45) < 1e-6)
        #expect(old.gradient?.dense.values == [1, 0])
        #expect(abs((new.gradient?.dense.values[0] ?? 0) - 0.3) < 1e-6)
        #expect(frozen.gradient == nil)
    }

    @Test("the table moves along its gradient by the size that is asked, and comes back")
    func adversary() {
        let table = Parameter("table", .zeros([3, 2]))
        table.accumulate(rows: SparseRows(shape: [3, 2], indices: [2, 0], values: Tensor([2, 2], [3, 0, 0, 4])))
        var moved: [Float] = []
        AdversarialPerturbation.apply(to: table, size: 0.5) { moved = table.value.values }
        for (found, expected) in zip(moved, [0, 0.4, 0, 0, 0.3, 0] as [Float]) { #expect(abs(found - expected) < 1e-6) }
        #expect(moved.count == 6 && table.value == .zeros([3, 2]))
        table.clearGradient()
        AdversarialPerturbation.apply(to: table, size: 0.5) { Issue.record("there is no direction") }
    }

    @Test("noise is uniform up to its size, on the rows that are named alone, the same for the same key")
    func noise() {
        func noisy(_ key: UInt32) -> Tensor {
            var tensor = Tensor.zeros([60, 50])
            tensor.addUniformNoise(to: 10..<60, size: 0.5, key: key)
            return tensor
        }
        let values = noisy(1).values
        #expect(values[..<500].allSatisfy { $0 == 0 })
        #expect(values.allSatisfy { (-0.5..<0.5).contains($0) })
        let mean = values.reduce(0, +) / 2_500
        let square = values.reduce(0) { $0 + $1 * $1 } / 2_500
        #expect(abs(mean) < 0.02 && abs(square - 0.25 / 3) < 0.01)
        #expect(noisy(1) == noisy(1) && noisy(1) != noisy(2))
    }
}
