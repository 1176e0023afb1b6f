extension StoredTensor {
    /// The sum of all values, read once by all threads as fast as the memory gives them: what a search that looks at all
    /// vectors is compared with.
    package func streamedSum() -> Float {
        let valuesPerBlock = 1 << 20
        return unsafe withValues { values in
            parallelMap((values.count + valuesPerBlock - 1) / valuesPerBlock) { block in
                let end = min(values.count, (block + 1) * valuesPerBlock)
                var (a, b, c, d) = (SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero)
                for i in stride(from: block * valuesPerBlock, to: end & ~63, by: 64) {
                    unsafe a += loadLanes(values, i)
                    unsafe b += loadLanes(values, i + 16)
                    unsafe c += loadLanes(values, i + 32)
                    unsafe d += loadLanes(values, i + 48)
                }
                return total(a + b + c + d)
            }.reduce(0, +)
        }
    }
}
