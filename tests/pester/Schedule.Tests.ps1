BeforeAll {
    . $PSScriptRoot/common.ps1
    Import-Module $Manifest
    $Folder = New-TempFolder
    $Simulator = Start-CcSimulator
    $null = $Simulator | New-CcConnection -AcceptDataPrivacy
    $Csv = Join-Path $Folder 'customers.csv'
    'CustomerId,EMail,FirstName' + [Environment]::NewLine + (@(1..20 | ForEach-Object { "$_,due$_@example.com,N$_" }) -join [Environment]::NewLine) | Set-Content $Csv
    $To = @{ Connection = 'Simulator'; ListId = $Simulator.ListId; Map = @{ email = 'EMail'; first_name = 'FirstName' } }
    function Update-Source { (Get-Item $Csv).LastWriteTimeUtc = (Get-Item $Csv).LastWriteTimeUtc.AddMinutes(1) }
}

AfterAll {
    Stop-CcSimulator
    Remove-Item $Folder -Recurse -Force
}

Describe 'A schedule' {
    BeforeAll { Set-CcExport Timed -Path $Csv @To }

    It 'is set, shown, and taken away' {
        $export = Set-CcExport Timed -Schedule 'daily 18:00,06:00' -TimeZone Europe/Berlin -PassThru
        $export.Schedule, $export.TimeZone, $export.Enabled | Should -Be 'Daily 06:00,18:00', 'Europe/Berlin', $true
        $export.NextRun | Should -BeGreaterThan ([datetimeoffset]::Now)
        ($export | Format-Table | Out-String -Width 120) | Should -Match 'Daily 06:00,18.*\d\d-\d\d \d\d:00'
        ($export | Format-List | Out-String) | Should -Match 'TimeZone\s+: Europe/Berlin'
        (Set-CcExport Timed -Schedule '' -PassThru).Schedule | Should -BeNullOrEmpty
    }

    It 'has the machine''s time zone if none is named' {
        (Set-CcExport Timed -Schedule '0 6 * * *' -PassThru).TimeZone | Should -Be ([TimeZoneInfo]::Local.Id)
    }

    It 'is refused when it is not understood' {
        { Set-CcExport Timed -Schedule 'Sometimes' } | Should -Throw -ErrorId 'ScheduleInvalid,*'
        { Set-CcExport Timed -Schedule 'Daily 06:00' -TimeZone Europe/Nowhere } | Should -Throw -ErrorId 'TimeZoneUnknown,*'
    }

    It 'is switched off and on' {
        Set-CcExport Timed -Schedule 'Weekly Mon 06:00'
        $off = Disable-CcExport Timed -PassThru
        $off.Enabled, $off.NextRun | Should -Be $false, $null
        ($off | Format-Table | Out-String -Width 120) | Should -Match 'Off: Weekly'
        (Get-CcExport Timed | Enable-CcExport -PassThru).Enabled | Should -BeTrue
        { Enable-CcExport Nobody -ErrorAction Stop } | Should -Throw -ErrorId 'ExportNotFound,*'
    }

    It 'is off in a copy' {
        $copy = Copy-CcExport Timed 'Timed copy' -PassThru
        $copy.Schedule, $copy.Enabled | Should -Be 'Weekly Mon 06:00', $false
        { Copy-CcExport Timed 'Timed copy' -ErrorAction Stop } | Should -Throw -ErrorId 'NameTaken,*'
    }

    It 'is completed' {
        (TabExpansion2 'Set-CcExport Timed -TimeZone Europe/Berl').CompletionMatches.CompletionText | Should -Contain "'Europe/Berlin'"
        (TabExpansion2 'Set-CcExport Timed -Schedule ').CompletionMatches.CompletionText | Should -Contain 'AfterRefresh'
    }
}

Describe 'Invoke-CcExport -Due' {
    BeforeAll {
        Set-CcExport Due -Path $Csv @To -Schedule AfterRefresh
        Set-CcExport 'A broken one' -Path $Csv @To -Schedule AfterRefresh
        Set-CcExport 'A broken one' -Map @{ email = 'NoSuchColumn' }
    }

    It 'runs what is due, once, and goes on after one that fails' {
        $runs = Invoke-CcExport -Due -ErrorVariable problems -ErrorAction SilentlyContinue
        $runs.Export, $runs.Status, $runs.Trigger, $runs.Accepted | Should -Be 'Due', 'Completed', 'Schedule', 20
        $problems.Count | Should -Be 1
        $problems[0].FullyQualifiedErrorId | Should -BeLike 'ColumnNotFound,*'
        $problems[0].TargetObject | Should -Be 'A broken one'
        Invoke-CcExport -Due | Should -BeNullOrEmpty
        (Get-CcExport Due).LastStatus | Should -Be 'Completed'
    }

    It 'says with -WhatIf what would be sent, and sends nothing' {
        Update-Source
        Disable-CcExport 'A broken one'
        Invoke-CcExport -Due -WhatIf | Should -BeNullOrEmpty
        (Invoke-CcExport -Due).Export | Should -Be 'Due'
        (Get-CcRun -Export Due).Count | Should -Be 2
    }

    It 'runs all with their schedule on, due or not, with -All' {
        Disable-CcExport Timed
        (Invoke-CcExport -All).Export | Should -Be 'Due'
        Enable-CcExport Timed
    }

    It 'is run by its name when its schedule is off' {
        Disable-CcExport Due
        (Invoke-CcExport Due).Status | Should -Be 'Completed'
        Enable-CcExport Due
    }

    It 'ends pwsh with 1 when one failed, and with 0 when none did' {
        Enable-CcExport 'A broken one'
        Update-Source
        $said = dotnet pwsh -NoProfile -NonInteractive -Command "Import-Module '$Manifest'; Invoke-CcExport -Due" 2>&1 | Out-String
        $LASTEXITCODE | Should -Be 1 -Because $said
        $said | Should -Match 'NoSuchColumn'
        (Get-CcRun -Export Due -Last 1).Trigger | Should -Be 'Schedule'
        $null = dotnet pwsh -NoProfile -NonInteractive -Command "Import-Module '$Manifest'; Invoke-CcExport -Due"
        $LASTEXITCODE | Should -Be 0
    }
}

Describe 'Register-CcSchedule' -Skip:$IsWindows {
    BeforeAll {
        $Tools = New-TempFolder
        $Table = Join-Path $Folder 'crontab'
        $Said = Join-Path $Folder 'systemctl'
        Set-Content (Join-Path $Tools 'crontab') "#!/bin/sh`nif [ `"`$1`" = -l ]; then [ -f '$Table' ] && cat '$Table' || { echo 'no crontab for you' >&2; exit 1; }; else cat > '$Table'; fi"
        Set-Content (Join-Path $Tools 'systemctl') "#!/bin/sh`necho `"`$@`" >> '$Said'"
        chmod +x (Join-Path $Tools 'crontab') (Join-Path $Tools 'systemctl')
        $oldPath, $oldConfig = $env:PATH, $env:XDG_CONFIG_HOME
        $env:PATH = $Tools + ':' + $env:PATH
        $env:XDG_CONFIG_HOME = Join-Path $Folder 'config'
    }

    AfterAll {
        $env:PATH, $env:XDG_CONFIG_HOME = $oldPath, $oldConfig
        Remove-Item $Tools -Recurse -Force
    }

    It 'writes its lines into the crontab once, and leaves all others as they are' {
        Set-Content $Table "MAILTO=me`n0 1 * * * other 50%"
        $entry = Register-CcSchedule
        $entry.As, $entry.Status | Should -Be 'Cron', 'Registered'
        $lines = Get-Content $Table
        $lines.Count | Should -Be 5
        $lines[0, 1] | Should -Be 'MAILTO=me', '0 1 * * * other 50%'
        $lines[3] | Should -BeLike "[*]/5 [*] [*] [*] [*] CCEXPORT_HOME=$($entry.Home) *-NoProfile -NonInteractive -Command *Invoke-CcExport -Due'"
        $lines[3] | Should -Match ([regex]::Escape($Manifest))   # it is not installed
        (Register-CcSchedule).Status | Should -Be 'Unchanged'
        (Register-CcSchedule -Every 01:00).Status | Should -Be 'Registered'
        (Get-Content $Table).Count | Should -Be 5
        (Get-Content $Table)[3] | Should -BeLike '0 `* `* `* `* *'
        Unregister-CcSchedule
        Get-Content $Table | Should -Be 'MAILTO=me', '0 1 * * * other 50%'
        { Unregister-CcSchedule -ErrorAction Stop } | Should -Throw -ErrorId 'ScheduleNotFound,*'
    }

    It 'calls what runs: the line of the crontab, given to sh' {
        Remove-Item $Table
        $null = Register-CcSchedule
        Update-Source
        $line = (Get-Content $Table)[1] -replace '^\S+ \S+ \S+ \S+ \S+ ', '' -replace '\\%', '%'
        $null = sh -c $line 2>&1
        (Get-CcRun -Export Due -Last 1).StartedAt | Should -BeGreaterThan ([datetimeoffset]::Now.AddSeconds(-30))
        Unregister-CcSchedule
    }

    It 'touches nothing where its own lines were changed' {
        Set-Content $Table "# >>> CcExport $((Register-CcSchedule -WhatIf).Text.Split(' ')[3]) x`n0 1 * * * other"
        { Register-CcSchedule } | Should -Throw -ErrorId 'ScheduleDamaged,*'
        (Get-Content $Table).Count | Should -Be 2
        Remove-Item $Table
    }

    It 'writes nothing with -WhatIf, and shows the entry' {
        $entry = Register-CcSchedule -WhatIf
        $entry.Status | Should -Be 'NotWritten'
        $entry.Text | Should -Match 'Invoke-CcExport -Due'
        Test-Path $Table | Should -BeFalse
    }

    It 'says when cron cannot do it' { { Register-CcSchedule -Every 00:07 } | Should -Throw -ErrorId 'IntervalUnsupported,*' }

    It 'writes a timer and a service of systemd, and takes them away' {
        $entry = Register-CcSchedule -As Systemd -Every 00:15
        $entry.Status | Should -Be 'Registered'
        Get-Content $entry.Location -Raw | Should -Match 'OnUnitActiveSec=900s'
        $service = Get-Content ($entry.Location -replace 'timer$', 'service') -Raw
        $service | Should -Match 'Type=oneshot'
        $service | Should -Match ([regex]::Escape("Environment=`"CCEXPORT_HOME=$($entry.Home)`""))
        $service | Should -Match 'ExecStart=".*" "-NoProfile" "-NonInteractive" "-Command" "Import-Module .*; Invoke-CcExport -Due"'
        (Register-CcSchedule -As Systemd -Every 00:15).Status | Should -Be 'Unchanged'
        Get-Content $Said | Should -Contain '--user daemon-reload'
        Get-Content $Said | Should -Contain "--user enable --now $(Split-Path $entry.Location -Leaf)"
        Unregister-CcSchedule -As Systemd
        Test-Path $entry.Location | Should -BeFalse
        Set-Content $entry.Location '[Unit]'
        { Register-CcSchedule -As Systemd } | Should -Throw -ErrorId 'ScheduleNotOurs,*'
        { Unregister-CcSchedule -As Systemd } | Should -Throw -ErrorId 'ScheduleNotOurs,*'
        Get-Content $entry.Location | Should -Be '[Unit]'
    }

    It 'makes a task for Windows, as text' {
        $entry = Register-CcSchedule -As TaskScheduler -Every 00:30 -WhatIf
        $task = ([xml] $entry.Text).Task
        $task.Triggers.TimeTrigger.Repetition.Interval | Should -Be 'PT30M'
        $task.Actions.Exec.Arguments | Should -BeLike "*-NoProfile -NonInteractive -Command `"`$env:CCEXPORT_HOME = '$($entry.Home)'; Import-Module *; Invoke-CcExport -Due`""
        { Register-CcSchedule -As TaskScheduler } | Should -Throw -ErrorId 'SchedulerMissing,*'
        ($entry | Format-Table | Out-String) | Should -Match 'TaskScheduler\s+00:30:00\s+NotWritten'
    }
}

Describe 'A connection' {
    BeforeAll { Set-CcExport Attached -Path $Csv @To -Schedule 'Daily 06:00' }

    It 'is renamed and set' {
        $renamed = Set-CcConnection Simulator -NewName Sim -ContactLimit 4000 -AllowContributor $true -PassThru
        $renamed.Name, $renamed.ContactLimit, $renamed.AllowContributor | Should -Be 'Sim', 4000, $true
        (Get-CcExport Attached).Connection | Should -Be 'Sim'
    }

    It 'is signed in again' {
        $token = $Simulator.RefreshToken
        { Set-CcConnection Sim -Reauthenticate -RefreshToken $token -ErrorAction Stop } | Should -Not -Throw
        (Get-CcList Sim).Count | Should -BeGreaterThan 0
        { Set-CcConnection Nobody -NewName X -ErrorAction Stop } | Should -Throw -ErrorId 'ConnectionNotFound,*'
    }

    It 'has lists made' {
        $list = New-CcList Sim 'Made here' -Description 'By a test'
        (Get-CcList Sim 'Made here').ListId | Should -Be $list.ListId
        { New-CcList Sim 'made HERE' -ErrorAction Stop } | Should -Throw -ErrorId 'ListNameTaken,*'
    }

    It 'is removed with its exports left without one' {
        { Remove-CcConnection Sim -ErrorAction Stop } | Should -Throw -ErrorId 'ConnectionInUse,*'
        Remove-CcConnection Sim -DetachExport -WarningVariable warned -WarningAction SilentlyContinue
        $warned | Should -BeLike '*still authorised*'
        (Get-CcExport Attached | Format-Table | Out-String -Width 120) | Should -Match 'No connection'
        { Invoke-CcExport Attached -ErrorAction Stop } | Should -Throw -ErrorId 'ConnectionMissing,*'
        Invoke-CcExport -Due | Should -BeNullOrEmpty
    }
}
