using System.Numerics;
using System.Runtime.CompilerServices;

namespace CcExport.Engine.Fingerprints;

/// <summary>
/// Sorts by address, in place. Addresses are hashes and so spread evenly: their leading bits say where each belongs, give or take a few places, and what is left to compare is
/// next to it. The general sort took 0.36 s of a million's processor time.
/// </summary>
internal static class FingerprintSort
{
    private const int FewInOne = 3;
    private const int MostBits = 16;
    private const int Skewed = 64;

    /// <param name="same">How many leading bits all addresses have in common.</param>
    public static void Sort(Span<Fingerprint> all, int same)
    {
        int bits = Math.Min(MostBits, BitOperations.Log2((uint)all.Length | 1) - FewInOne);
        if (bits <= 0)
        {
            all.Sort();
            return;
        }
        int[] ends = new int[1 << bits], next = new int[1 << bits];
        Distribute(all, same, 64 - bits, next, ends);
        for (int bucket = 0, from = 0; bucket < ends.Length; from = ends[bucket++])
        {
            Span<Fingerprint> one = all[from..ends[bucket]];
            // Not as hashes are: many of one beginning.
            if (one.Length > Skewed) one.Sort();
            else Insert(one);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Distribute(Span<Fingerprint> all, int same, int shift, int[] next, int[] ends)
    {
        foreach (ref readonly Fingerprint f in all) ends[BucketOf(f, same, shift)]++;
        for (int bucket = 0, sum = 0; bucket < ends.Length; bucket++)
        {
            next[bucket] = sum;
            ends[bucket] = sum += ends[bucket];
        }
        for (int bucket = 0; bucket < ends.Length; bucket++)
        {
            while (next[bucket] < ends[bucket])
            {
                Fingerprint held = all[next[bucket]];
                for (int home = BucketOf(held, same, shift); home != bucket; home = BucketOf(held, same, shift))
                {
                    ref Fingerprint there = ref all[next[home]++];
                    (held, there) = (there, held);
                }
                all[next[bucket]++] = held;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Insert(Span<Fingerprint> few)
    {
        for (int i = 1; i < few.Length; i++)
        {
            Fingerprint one = few[i];
            int to = i;
            for (; to > 0 && one.Address < few[to - 1].Address; to--) few[to] = few[to - 1];
            few[to] = one;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int BucketOf(in Fingerprint one, int same, int shift) => (int)((ulong)(one.Address >> 64) << same >> shift);
}
