using System.Buffers.Text;

namespace CcExport.Engine.Mapping;

/// <summary>Dates as the import reads them.</summary>
internal static class DateRules
{
    /// <summary>Month and day that some year has.</summary>
    public static bool IsBirthday(ReadOnlySpan<byte> month, ReadOnlySpan<byte> day, out int m, out int d)
    {
        d = 0;
        return IsNumber(month, out m) && IsNumber(day, out d) && m is >= 1 and <= 12 && d >= 1 && d <= DateTime.DaysInMonth(2024, m);
    }

    /// <summary>MM/DD/YYYY, M/D/YYYY, YYYY/MM/DD, YYYY/M/D, YYYY-MM-DD, YYYY-M-D, M-D-YYYY, M-DD-YYYY, and a day that exists.</summary>
    public static bool IsAnniversary(ReadOnlySpan<byte> text) => TryRead(text, out _, out _, out _);

    /// <summary>The same, and what day it is.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, out int year, out int month, out int day)
    {
        year = month = day = 0;
        byte separator = text.Contains((byte)'/') ? (byte)'/' : (byte)'-';
        int first = text.IndexOf(separator), last = text.LastIndexOf(separator);
        if (first < 1 || last == first || last == text.Length - 1) return false;
        ReadOnlySpan<byte> a = text[..first], b = text[(first + 1)..last], c = text[(last + 1)..];
        bool yearFirst = a.Length == 4;
        if (!yearFirst && c.Length != 4) return false;
        if (!IsNumber(yearFirst ? a : c, out year) || !IsNumber(yearFirst ? b : a, out month) || !IsNumber(yearFirst ? c : b, out day)) return false;
        return (yearFirst ? c : a).Length <= 2 && b.Length <= 2 && year >= 1 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month);
    }

    private static bool IsNumber(ReadOnlySpan<byte> text, out int number)
        => Utf8Parser.TryParse(text, out number, out int used) && used == text.Length && text[0] is >= (byte)'0' and <= (byte)'9';
}
