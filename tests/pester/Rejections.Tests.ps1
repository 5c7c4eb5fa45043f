BeforeAll {
    . $PSScriptRoot/common.ps1
    Import-Module $Manifest
    $Folder = New-TempFolder
    $Simulator = Start-CcSimulator
    $null = $Simulator | New-CcConnection -AcceptDataPrivacy
    $Target = @{ Connection = 'Simulator'; ListId = $Simulator.ListId }
    $Map = @{ email = 'EMail'; first_name = 'FirstName' }
    $Quiet = @{ WarningAction = 'SilentlyContinue' }

    $Csv = Join-Path $Folder 'customers.csv'
    Set-Content $Csv @'
CustomerId,EMail,FirstName,Modified
c1,ann@example.com,Ann,2024-03-01
c2,"bob;bob@example.com",Bob,2024-03-02
"c,3",ann@EXAMPLE.com,"Ann, the 2nd",2024-05-01
c4,,Nobody,2024-03-04
c5,info@example.com,Info,2024-03-05
c6,Ann@example.com,Ann3,2024-04-01
'@
}

AfterAll {
    Stop-CcSimulator
    Remove-Item $Folder -Recurse -Force
}

Describe 'Rejections that people can use' {
    BeforeAll {
        $Run = Invoke-CcExport -Path $Csv @Target -Map $Map -WarningVariable Warnings @Quiet
        $Rejections = Get-CcRejection $Run.Id
    }

    It 'go to a file and back, and join to the source by their key' {
        $file = Join-Path $Folder 'rejected.csv'
        $Run | Get-CcRejection | Export-Csv $file
        $read = Import-Csv $file
        $read.Count | Should -Be $Rejections.Count
        foreach ($name in 'Reason', 'Message', 'Remedy', 'Kind', 'Field', 'SourceKey', 'WinnerKey', 'Segment') { $read.$name | Should -Be ($Rejections.$name | ForEach-Object { "$_" }) }
        [long[]] $read.Row | Should -Be $Rejections.Row
        $source = Import-Csv $Csv | Group-Object CustomerId -AsHashTable -AsString
        $joined = $read | ForEach-Object { [pscustomobject]@{ Name = $source[$_.SourceKey].FirstName; Reason = $_.Reason; Winner = if ($_.WinnerKey) { $source[$_.WinnerKey].FirstName } } }
        $joined | ForEach-Object { "$($_.Name): $($_.Reason) $($_.Winner)".Trim() } | Should -Be 'Bob: EmailMalformed', 'Ann, the 2nd: Duplicate Ann', 'Nobody: EmailMissing', 'Info: RoleAddress', 'Ann3: Duplicate Ann'
    }

    It 'have a sentence, a remedy and no address' {
        foreach ($rejection in $Rejections) {
            $rejection.Message | Should -Match '^[A-Z].*[.)]$'
            $rejection.Remedy | Should -Match '^[A-Z].*\.$'
            $rejection | ConvertTo-Json | Should -Not -Match 'example\.com'
        }
    }

    It 'name the winner of a duplicate, in the list view too' {
        $lost = $Rejections | Where-Object SourceKey -EQ c6
        $lost.WinnerRow, $lost.WinnerKey, $lost.WinnerSegment | Should -Be 1, 'c1', 'customers'
        $lost | Format-List | Out-String | Should -Match 'WinnerKey\s+: c1'
        $Rejections | Where-Object SourceKey -EQ c4 | Format-List | Out-String | Should -Not -Match 'Winner'
    }

    It 'warn of addresses of roles, which are sent' {
        $Run.Sent, $Run.Noted | Should -Be 2, 1
        "$Warnings" | Should -Match "1 of the contacts have the address of a role.*Get-CcRejection $($Run.Id) -Reason RoleAddress"
    }

    It 'are filtered by reason and kind' {
        (Get-CcRejection $Run.Id -Reason Duplicate).Count | Should -Be 2
        (Get-CcRejection $Run.Id -Reason email*).Reason | Should -Be 'EmailMalformed', 'EmailMissing'
        (Get-CcRejection $Run.Id -Kind invalid, Noted).SourceKey | Should -Be 'c2', 'c4', 'c5'
        Get-CcRejection $Run.Id -Kind Duplicate -Reason EmailMissing | Should -BeNullOrEmpty
        Get-CcRejection $Run.Id -Reason No* | Should -BeNullOrEmpty
        { Get-CcRejection $Run.Id -Reason Duplicates } | Should -Throw -ErrorId 'ReasonUnknown*'
        { Get-CcRejection $Run.Id -Kind Lost } | Should -Throw
    }

    It 'have reasons and kinds that are completed' {
        $complete = { param($line) (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText }
        & $complete 'Get-CcRejection 1 -Reason Email' | Should -Be 'EmailMalformed', 'EmailMissing', 'EmailNotAscii', 'EmailTooLong'
        & $complete 'Get-CcRejection 1 -Kind ' | Should -Be 'Duplicate', 'Invalid', 'Noted', 'Refused', 'Suppressed', 'Unaccounted'
    }
}

Describe 'Of several profiles with one address' {
    It 'the newest goes with -PreferNewest, by path' {
        $run = Invoke-CcExport -Path $Csv @Target -Map $Map -PreferNewest modified @Quiet
        $run.Sent, $run.Duplicate | Should -Be 2, 2
        $lost = Get-CcRejection $run.Id -Kind Duplicate
        $lost.SourceKey | Sort-Object | Should -Be 'c1', 'c6'
        $lost.WinnerKey | Should -Be 'c,3', 'c,3'
        $members = Invoke-RestMethod "$($Simulator.Url)admin/lists/$($Simulator.ListId)/contacts.csv" | ConvertFrom-Csv
        ($members | Where-Object email -EQ 'ann@example.com').first_name | Should -Be 'Ann, the 2nd'
    }

    It 'and by the pipeline, in a preview, with numbers and a script block' {
        $objects = 1..3 | ForEach-Object { [pscustomobject]@{ Id = "k$_"; EMail = 'z@example.com'; FirstName = "v$_"; Version = 2, 10, 9 | Select-Object -Index ($_ - 1) } }
        $preview = $objects | Test-CcExport @Target -Map $Map -PreferNewest Version
        $preview.WouldSend, $preview.Duplicate | Should -Be 1, 2
        $preview.Sample | Should -Match '"v2"'
        $preview.Rejections.WinnerKey | Should -Be 'k2', 'k2'
        ($objects | Test-CcExport @Target -Map $Map -PreferNewest { - $_.Version }).Sample | Should -Match '"v1"'
    }

    It 'and of a stored export, until it is unset' {
        Set-CcExport Newest @Target -Path $Csv -Map $Map -PreferNewest Modified
        (Get-CcExport Newest).PreferNewest | Should -Be 'Modified'
        (Test-CcExport Newest).Rejections.WinnerKey | Where-Object { $_ } | Should -Be 'c,3', 'c,3'
        Set-CcExport Newest -PreferNewest ''
        (Get-CcExport Newest).PreferNewest | Should -BeNullOrEmpty
        (Test-CcExport Newest).Rejections.WinnerKey | Where-Object { $_ } | Should -Be 'c1', 'c1'
    }

    It 'a column that is not there is an error' {
        { Test-CcExport -Path $Csv @Target -Map $Map -PreferNewest ModifiedOn } | Should -Throw -ErrorId 'ColumnNotFound*'
        { Import-Csv $Csv | Test-CcExport @Target -Map $Map -PreferNewest ModifiedOn } | Should -Throw -ErrorId 'ColumnNotFound*'
    }

    It 'values that are neither dates nor numbers are warned of' {
        $objects = 'soon', '2024-01-01' | ForEach-Object { [pscustomobject]@{ EMail = 'z@example.com'; FirstName = $_; When = $_ } }
        $preview = $objects | Test-CcExport @Target -Map $Map -PreferNewest When
        $preview.Sample | Should -Match '2024-01-01'
        "$($preview.Warnings)" | Should -Match "1 values of the column 'When'"
    }
}
