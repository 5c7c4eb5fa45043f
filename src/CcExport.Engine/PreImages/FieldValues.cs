using System.Buffers.Text;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using CcExport.Engine.Mapping;

namespace CcExport.Engine.PreImages;

/// <summary>Whether two values of a contact's field are the same, told by their hashes: blanks around them and the way a date is written make no difference.</summary>
internal static class FieldValues
{
    /// <summary>Most fields that a map can have, for a bit each.</summary>
    public const int MostFields = 64;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static uint HashOf(in MappedField field, ReadOnlySpan<byte> value)
    {
        value = Utf8Text.Trim(value);
        if (field.Kind is FieldKind.Month or FieldKind.Day)
        {
            Span<byte> digits = stackalloc byte[16];
            if (Utf8Parser.TryParse(value, out int number, out int used) && used == value.Length && Utf8Formatter.TryFormat(number, digits, out int written)) return Hash(digits[..written]);
        }
        else if (field.Kind == FieldKind.Date || field.Name.StartsWith(StandardFields.CustomPrefix, StringComparison.Ordinal))
        {
            if (DateRules.TryRead(value, out int year, out int month, out int day)) return Hash(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{year:0000}-{month:00}-{day:00}")));
        }
        return Hash(value);
    }

    private static uint Hash(ReadOnlySpan<byte> value) => value.IsEmpty ? 0 : Math.Max(1, (uint)XxHash3.HashToUInt64(value));

    /// <summary>One hash over the values of the fields that have their bit set.</summary>
    /// <param name="each">Hashes of all fields of the map, in their order.</param>
    public static ulong Together(ulong fields, ReadOnlySpan<uint> each)
    {
        Span<uint> some = stackalloc uint[MostFields];
        int count = 0;
        for (int i = 0; i < each.Length; i++)
        {
            if ((fields & (1UL << i)) != 0) some[count++] = each[i];
        }
        return XxHash3.HashToUInt64(MemoryMarshal.AsBytes(some[..count]));
    }
}
