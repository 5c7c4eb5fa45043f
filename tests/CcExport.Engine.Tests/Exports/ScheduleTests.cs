using System.Globalization;
using CcExport.Engine.Exports;

namespace CcExport.Engine.Tests.Exports;

/// <summary>When a schedule is due, over the hours that clocks skip and repeat.</summary>
public sealed class ScheduleTests
{
    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    private static readonly DateTimeOffset Now = At("2026-11-24T10:00Z");

    // Berlin: 29 March 2026, 02:00 becomes 03:00; 25 October, 03:00 becomes 02:00. New York: 8 March and 1 November.
    [Theory]
    [InlineData("Daily 06:00", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-29T04:00Z")]
    [InlineData("Daily 06:00", "Europe/Berlin", "2026-10-24T12:00Z", "2026-10-25T05:00Z")]
    [InlineData("Daily 02:30", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-29T01:00Z")]
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-03-29T01:00Z", "2026-03-30T00:30Z")]
    [InlineData("Daily 02:30", "Europe/Berlin", "2026-10-24T12:00Z", "2026-10-25T00:30Z")]
    [InlineData("Daily 02:30", "Europe/Berlin", "2026-10-25T00:30Z", "2026-10-26T01:30Z")]
    [InlineData("Daily 02:30", "America/New_York", "2026-03-07T12:00Z", "2026-03-08T07:00Z")]
    [InlineData("Daily 01:30", "America/New_York", "2026-10-31T12:00Z", "2026-11-01T05:30Z")]
    [InlineData("Daily 01:30", "America/New_York", "2026-11-01T05:30Z", "2026-11-02T06:30Z")]
    [InlineData("*/30 * * * *", "America/New_York", "2026-11-01T05:30Z", "2026-11-01T06:00Z")]
    [InlineData("Daily 06:00,18:00", "Etc/UTC", "2026-11-24T06:00Z", "2026-11-24T18:00Z")]
    [InlineData("Weekly Mon,Thu 06:00", "Etc/UTC", "2026-11-24T10:00Z", "2026-11-26T06:00Z")]
    [InlineData("Weekly Mon,Thu 06:00,20:00", "Etc/UTC", "2026-11-26T06:00Z", "2026-11-26T20:00Z")]
    public void It_is_due_next_at_the_right_moment(string text, string zone, string after, string expected)
        => Assert.Equal(At(expected), Schedule.Check(text, zone, Now).Next(At(after)));

    [Theory]
    [InlineData("* * * * *", "2025-11-24T10:00Z", "2026-11-24T10:00Z")]
    [InlineData("Daily 06:00,18:00", "2026-11-20T00:00Z", "2026-11-24T06:00Z")]
    [InlineData("0 0 29 2 *", "2015-01-01T00:00Z", "2024-02-29T00:00Z")]
    [InlineData("Daily 12:00", "2026-11-24T09:00Z", null)]
    [InlineData("Daily 10:00", "2026-11-23T10:00Z", "2026-11-24T10:00Z")]
    [InlineData("Daily 10:00", "2026-11-24T10:00Z", null)]
    public void Of_missed_times_the_newest_is_due(string text, string after, string? expected)
        => Assert.Equal(expected is null ? null : At(expected), Schedule.Check(text, "Etc/UTC", Now).Due(At(after), Now));

    [Theory]
    [InlineData("daily 18:00,6:00,18:00", "Daily 06:00,18:00")]
    [InlineData(" WEEKLY  thursday,mon,SUN 06:00", "Weekly Mon,Thu,Sun 06:00")]
    [InlineData("afterrefresh", "AfterRefresh")]
    [InlineData(" 0  6 * * * ", "0 6 * * *")]
    public void It_is_kept_in_one_way_of_writing(string text, string kept) => Assert.Equal(kept, Schedule.Check(text, "Europe/Berlin", Now).Text);

    [Theory]
    [InlineData("Daily", "ScheduleInvalid")]
    [InlineData("Daily 25:00", "ScheduleInvalid")]
    [InlineData("Daily 01:00,02:00,03:00,04:00,05:00", "ScheduleInvalid")]
    [InlineData("Weekly Mo 06:00", "ScheduleInvalid")]
    [InlineData("Weekly 06:00", "ScheduleInvalid")]
    [InlineData("0 6 * *", "ScheduleInvalid")]
    [InlineData("0 0 6 * * *", "ScheduleInvalid")]
    [InlineData("0 0 30 2 *", "ScheduleNever")]
    public void What_is_not_understood_is_said(string text, string errorId)
        => Assert.Equal(errorId, Assert.Throws<CcException>(() => Schedule.Check(text, "Etc/UTC", Now)).ErrorId);

    [Fact]
    public void A_zone_is_an_iana_name()
    {
        Assert.Equal("Europe/Berlin", Schedule.ZoneName("Europe/Berlin"));
        Assert.Equal("Europe/Berlin", Schedule.ZoneName("W. Europe Standard Time"));
        Assert.Equal("TimeZoneUnknown", Assert.Throws<CcException>(() => Schedule.ZoneName("Europe/Nowhere")).ErrorId);
    }
}
