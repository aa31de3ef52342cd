BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	event VARCHAR(40) NOT NULL, 
	actor_id INTEGER, 
	at DATETIME NOT NULL, 
	last_at DATETIME NOT NULL, 
	times INTEGER NOT NULL, 
	network VARCHAR(64) NOT NULL, 
	browser VARCHAR(200) NOT NULL, 
	detail TEXT NOT NULL, 
	chain VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (id), 
	CONSTRAINT fk_audit_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id), 
	CONSTRAINT uq_audit_user_id_number UNIQUE (user_id, number)
);
INSERT INTO "audit" VALUES(1,1,1,'administrator_created',1,'2026-11-22 00:57:41.280722','2026-11-22 00:57:41.280722',1,'-','command line','{"superuser": true}','329bae45678783992d0e3d511ecf61bf58ff840dd48c541229d8a50acaf8f335');
INSERT INTO "audit" VALUES(2,2,1,'administrator_created',2,'2026-11-22 00:57:42.636788','2026-11-22 00:57:42.636788',1,'-','command line','{"superuser": false}','8da9326f1328a9c335c07ae3badeaa5e41f77fdff05c53fb42ae5e89426f3788');
INSERT INTO "audit" VALUES(3,3,1,'administrator_created',3,'2026-11-22 00:57:44.004551','2026-11-22 00:57:44.004551',1,'-','command line','{"superuser": false}','c807e2368f37cb7650b6fceb866553f7f93cb58c790ba861ae1c23dbbbd0a5f4');
INSERT INTO "audit" VALUES(4,4,1,'administrator_created',4,'2026-11-22 00:57:45.276639','2026-11-22 00:57:45.276639',1,'-','command line','{"superuser": false}','e4ca0c8b45f2c1f38a666adc45024c01b3dbb66541fda29648543e329b958b0d');
INSERT INTO "audit" VALUES(5,5,1,'administrator_created',5,'2026-11-22 00:57:46.517693','2026-11-22 00:57:46.517693',1,'-','command line','{"superuser": false}','95062d0f50b09f15d7cdc541d18accd9c10b16d432d030de3f4e27996a71e6c4');
INSERT INTO "audit" VALUES(6,6,1,'administrator_created',6,'2026-11-22 00:57:47.817914','2026-11-22 00:57:47.817914',1,'-','command line','{"superuser": false}','f08ec9b9114fbf056f9c81df313fc5427302f93d0c7b101ad9de91a87a637ded');
INSERT INTO "audit" VALUES(7,1,2,'signed_in',1,'2026-11-22 00:57:49.837068','2026-11-22 00:57:49.837068',1,'127.0.0.1','Chrome 156, Linux','{}','56609916cd227cb0dd39e9b2b9ba592512b35c998966abdcf60fc20226b2ac97');
INSERT INTO "audit" VALUES(8,2,2,'signed_in',2,'2026-11-22 00:57:49.887149','2026-11-22 00:57:49.887149',1,'127.0.0.1','Chrome 156, Linux','{}','eedadfbf9528b063ff894ebd99e83632e2e1cc44f262691a97d524210a698aa0');
INSERT INTO "audit" VALUES(9,3,2,'signed_in',3,'2026-11-22 00:57:49.918402','2026-11-22 00:57:49.918402',1,'127.0.0.1','Chrome 156, Linux','{}','8415cbbe72f332a4bdbef97ad5f61de2a83b4693809751b22725f744b35151a0');
INSERT INTO "audit" VALUES(10,5,2,'signed_in',5,'2026-11-22 00:57:50.079335','2026-11-22 00:57:50.079335',1,'127.0.0.1','Chrome 156, Linux','{}','40e4642fe2c996d69d2a1e42638621d2f9f6920a65152e6d9dd40372785b5727');
INSERT INTO "audit" VALUES(11,3,3,'code_requested',3,'2026-11-22 00:57:50.123398','2026-11-22 00:57:50.123398',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','b5a58c1921345588589fced66bd53e1bf55303af972c078214a20cbc2fb075b8');
INSERT INTO "audit" VALUES(12,3,4,'code_wrong',3,'2026-11-22 00:57:53.113187','2026-11-22 00:57:53.113187',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','6a00c199736f11077ab8d066417eae8ab4d0e5b385daa83af685a8aa44b59049');
INSERT INTO "audit" VALUES(13,3,5,'email_changed',3,'2026-11-22 00:57:53.166902','2026-11-22 00:57:53.166902',1,'127.0.0.1','Chrome 156, Linux','{"new": "carol.new@example.com", "old": "carol@example.com"}','ced9040852b7bab1228e8898ba702861475f551242b70b70b61a802f97ddc1e9');
INSERT INTO "audit" VALUES(14,2,3,'code_requested',2,'2026-11-22 00:57:55.367750','2026-11-22 00:57:55.367750',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','11a984e4db1dad9317f723776e10d0ef74a7ddeda8995958f6cec85dd35ea29d');
INSERT INTO "audit" VALUES(15,2,4,'code_wrong',2,'2026-11-22 00:57:56.830989','2026-11-22 00:57:56.830989',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','67af7e7ff7cf686fe87db0e173a6dddaa7d22a75c889f2b4f7e10008112a6363');
INSERT INTO "audit" VALUES(16,1,3,'invitation_sent',1,'2026-11-22 00:57:57.891873','2026-11-22 00:57:57.891873',1,'127.0.0.1','Chrome 156, Linux','{"email": "gus@example.com", "superuser": false}','9583b558a2893de3d154877b2177f28842c9207d42e5feb02ab7190616b3409c');
INSERT INTO "audit" VALUES(17,6,2,'change_started',1,'2026-11-22 00:57:58.937001','2026-11-22 00:57:58.937001',1,'127.0.0.1','Chrome 156, Linux','{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}','1faf62e571037571ba15cb07e6adf910618afa67446deb7fa3fa4b2d3152d1f9');
INSERT INTO "audit" VALUES(18,5,3,'sign_in_failed',5,'2026-11-22 00:57:58.980928','2026-11-22 00:57:59.062715',3,'127.0.0.1','Chrome 156, Linux','{}','a59d55e0b584961cfd74d6321a11cf489cb0bbc96dfd7fa83b1dc89c31fd1f9f');
INSERT INTO "audit" VALUES(19,5,4,'signed_out',5,'2026-11-22 00:57:59.092397','2026-11-22 00:57:59.092397',1,'127.0.0.1','Chrome 156, Linux','{}','75caa8d7c90c62b96d34361ceb8e0c9ed018e948c32ce4540fb564dfede3f556');
CREATE TABLE budget (
	"key" VARCHAR(64) NOT NULL, 
	used INTEGER NOT NULL, 
	used_at DATETIME NOT NULL, 
	resets_at DATETIME NOT NULL, 
	CONSTRAINT pk_budget PRIMARY KEY ("key")
);
INSERT INTO "budget" VALUES('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf',1,'2026-11-22 00:57:50.105666','2026-11-22 01:57:50.105666');
INSERT INTO "budget" VALUES('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5',1,'2026-11-22 00:57:50.105666','2026-11-22 01:57:50.105666');
INSERT INTO "budget" VALUES('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc',2,'2026-11-22 00:57:55.364352','2026-11-22 01:57:50.105666');
INSERT INTO "budget" VALUES('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15',2,'2026-11-22 00:57:53.166405','2026-11-23 00:57:53.112265');
INSERT INTO "budget" VALUES('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66',1,'2026-11-22 00:57:55.364352','2026-11-22 01:57:55.364352');
INSERT INTO "budget" VALUES('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46',1,'2026-11-22 00:57:55.364352','2026-11-22 01:57:55.364352');
INSERT INTO "budget" VALUES('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1',1,'2026-11-22 00:57:56.830543','2026-11-23 00:57:56.830543');
INSERT INTO "budget" VALUES('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2',1,'2026-11-22 00:57:57.884848','2026-11-22 01:57:57.884848');
CREATE TABLE cms_user (
	id INTEGER NOT NULL, 
	username VARCHAR(50) NOT NULL, 
	username_key VARCHAR(100) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	password_hash VARCHAR(200) NOT NULL, 
	is_superuser BOOLEAN NOT NULL, 
	is_active BOOLEAN NOT NULL, 
	language VARCHAR(10), 
	mobile VARCHAR(20), 
	staff_number INTEGER, 
	gender VARCHAR(10), 
	city VARCHAR(40), 
	interests JSON NOT NULL, 
	profile_version INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	acted_at DATETIME NOT NULL, 
	frozen_until DATETIME, 
	audit_rows INTEGER NOT NULL, 
	audit_chain VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_cms_user PRIMARY KEY (id), 
	CONSTRAINT uq_cms_user_email_key UNIQUE (email_key), 
	CONSTRAINT uq_cms_user_username_key UNIQUE (username_key)
);
INSERT INTO "cms_user" VALUES(1,'ann','ann','ann@example.com','ann@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$ZELtpGUQ5CmPxRwltnnwmw$l3+umwkuRsJEWmB2ChzbZfhqDcgAahP7qj212dova68',1,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:57:41.277281','2026-11-22 00:57:58.920899',NULL,3,'9583b558a2893de3d154877b2177f28842c9207d42e5feb02ab7190616b3409c');
INSERT INTO "cms_user" VALUES(2,'bob','bob','bob@example.com','bob@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$1ZNbZMDQp3x+D7sqgoseUQ$H3Rn6ekd5CML17gUmH6pz9+JGUsD73HLYz/XstGafHo',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:57:42.631742','2026-11-22 00:57:56.829736',NULL,4,'67af7e7ff7cf686fe87db0e173a6dddaa7d22a75c889f2b4f7e10008112a6363');
INSERT INTO "cms_user" VALUES(3,'carol','carol','carol.new@example.com','carol.new@example.com',2,'$argon2id$v=19$m=19456,t=2,p=1$I0cNpdYRxSr/iSWq+qwTZg$UBxiXB/imY62iFXmFrnTT3hn1lBBooxLJ/0C6Ul5nOc',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:57:44.000742','2026-11-22 00:57:53.165446',NULL,5,'ced9040852b7bab1228e8898ba702861475f551242b70b70b61a802f97ddc1e9');
INSERT INTO "cms_user" VALUES(4,'dan','dan','dan@example.com','dan@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$7BZKp2ULcNsVLhcpOR5QMg$WbbWKKtceHlSXHj3SA103xVMBsoDRZqEa0lbpfn/Xtk',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:57:45.264546','2026-11-22 00:57:45.264546',NULL,1,'e4ca0c8b45f2c1f38a666adc45024c01b3dbb66541fda29648543e329b958b0d');
INSERT INTO "cms_user" VALUES(5,'eve','eve','eve@example.com','eve@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$8EsTyds500NO9o8KiOyCSQ$zEdNe/p8pWdaaoY56nuk4ayft0cvw5KdOOY64ObaIUQ',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:57:46.513998','2026-11-22 00:57:59.090915',NULL,4,'75caa8d7c90c62b96d34361ceb8e0c9ed018e948c32ce4540fb564dfede3f556');
INSERT INTO "cms_user" VALUES(6,'fay','fay','fay@example.com','fay@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$R0CncC7v8oCX8vnKFYSg/Q$/p2Fh5jygJ8+vtMud7eTVOdRheE24ZBYrZagqRPwTf8',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:57:47.814214','2026-11-22 00:57:58.921171',NULL,2,'1faf62e571037571ba15cb07e6adf910618afa67446deb7fa3fa4b2d3152d1f9');
CREATE TABLE email_change (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	session_id INTEGER, 
	mail_id INTEGER, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	nonce VARCHAR(32) NOT NULL, 
	old_nonce VARCHAR(32), 
	stop_hash VARCHAR(64) NOT NULL, 
	asked_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	tries INTEGER NOT NULL, 
	new_proved BOOLEAN NOT NULL, 
	old_proved BOOLEAN NOT NULL, 
	CONSTRAINT pk_email_change PRIMARY KEY (id), 
	CONSTRAINT fk_email_change_mail_id FOREIGN KEY(mail_id) REFERENCES mail (id) ON DELETE SET NULL, 
	CONSTRAINT fk_email_change_session_id FOREIGN KEY(session_id) REFERENCES login_session (id) ON DELETE CASCADE, 
	CONSTRAINT fk_email_change_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_email_change_stop_hash UNIQUE (stop_hash), 
	CONSTRAINT uq_email_change_user_id UNIQUE (user_id)
);
INSERT INTO "email_change" VALUES(1,2,2,4,'bob.new@example.com','bob.new@example.com',1,'090e00b63c3ccd4a825c70f4d7a4c0f9',NULL,'74998c7a131f6a6881521c3cf339a4d3e7a4592bcbc2b24b15b383d155aa10bd','2026-11-22 00:57:55.364998','2026-11-22 01:07:55.364998',1,0,1);
INSERT INTO "email_change" VALUES(2,6,NULL,8,'fay.new@example.com','fay.new@example.com',1,'',NULL,'25292fa3f81de65313b4d81dc9b693175e39d8d1d37125242c953a57ff960a37','2026-11-22 00:57:58.921696','2026-11-26 00:57:58.921696',0,0,0);
CREATE TABLE invitation (
	id INTEGER NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	is_superuser BOOLEAN NOT NULL, 
	invited_by INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_invitation PRIMARY KEY (id), 
	CONSTRAINT fk_invitation_invited_by FOREIGN KEY(invited_by) REFERENCES cms_user (id), 
	CONSTRAINT uq_invitation_email_key UNIQUE (email_key), 
	CONSTRAINT uq_invitation_token_hash UNIQUE (token_hash)
);
INSERT INTO "invitation" VALUES(1,'492eefff3ebb9d007364c14c06ca1c1c303d3ed05896c9232dbcb4b22624ea7b','gus@example.com','gus@example.com',0,1,'2026-11-22 00:57:57.885036','2026-11-25 00:57:57.885036');
CREATE TABLE link (
	id INTEGER NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	purpose VARCHAR(10) NOT NULL, 
	user_id INTEGER NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	CONSTRAINT pk_link PRIMARY KEY (id), 
	CONSTRAINT fk_link_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_link_token_hash UNIQUE (token_hash)
);
INSERT INTO "link" VALUES(1,'552e5781b6392129e5a4b5b3327aab2bb0335a6be58678d6f4f47c93adf66c4a','undo',3,'carol@example.com','carol@example.com',2,'2026-11-22 00:57:53.168847','2026-11-29 00:57:53.168847',NULL);
INSERT INTO "link" VALUES(2,'10540b67cebc523ea5f5b753e6919e37a3bf07acdb3d5f6c389150639cbb0b76','prove',6,'fay.new@example.com','fay.new@example.com',1,'2026-11-22 00:57:58.922737','2026-11-26 00:57:58.922737',NULL);
CREATE TABLE login_session (
	id INTEGER NOT NULL, 
	id_hash VARCHAR(64) NOT NULL, 
	user_id INTEGER NOT NULL, 
	remembered BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	proved_at DATETIME NOT NULL, 
	network VARCHAR(64) NOT NULL, 
	browser VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_login_session PRIMARY KEY (id), 
	CONSTRAINT fk_login_session_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_login_session_id_hash UNIQUE (id_hash)
);
INSERT INTO "login_session" VALUES(1,'035ee4a9c9d47d1df3c81a9cc164a0ce0f35668c914b06199efe8d776df20a3a',1,0,'2026-11-22 00:57:49.836849','2026-11-22 00:57:49.836849','2026-11-22 00:57:49.836849','127.0.0.1','Chrome 156, Linux');
INSERT INTO "login_session" VALUES(2,'9752c6ddaff4471794328ffe3f878af56f00417506d59828a9d2f1f384e69d3e',2,0,'2026-11-22 00:57:49.886969','2026-11-22 00:57:49.886969','2026-11-22 00:57:49.886969','127.0.0.1','Chrome 156, Linux');
INSERT INTO "login_session" VALUES(3,'372a4a3c2ddf1815ecca4a7897efc4e1947de997c80823a23100678771f30eb1',3,0,'2026-11-22 00:57:49.918247','2026-11-22 00:57:49.918247','2026-11-22 00:57:49.918247','127.0.0.1','Chrome 156, Linux');
CREATE TABLE mail (
	id INTEGER NOT NULL, 
	message_id VARCHAR(200) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	user_id INTEGER, 
	recipient VARCHAR(254) NOT NULL, 
	subject TEXT NOT NULL, 
	body TEXT NOT NULL, 
	html TEXT NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	created_at DATETIME NOT NULL, 
	due_at DATETIME NOT NULL, 
	not_after DATETIME NOT NULL, 
	tries INTEGER NOT NULL, 
	done_at DATETIME, 
	problem VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_mail PRIMARY KEY (id), 
	CONSTRAINT fk_mail_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_mail_message_id UNIQUE (message_id)
);
INSERT INTO "mail" VALUES(1,'<179530907011.30768.8303187113337278716@example.net>','code',3,'carol.new@example.com','','','','sent','2026-11-22 00:57:50.116034','2026-11-22 01:00:22.558105','2026-11-22 01:07:50.107478',1,'2026-11-22 00:57:52.675136','');
INSERT INTO "mail" VALUES(2,'<179530907012.30768.12605933452224423120@example.net>','heads_up',3,'carol@example.com','','','','sent','2026-11-22 00:57:50.121382','2026-11-22 01:00:22.680560','2026-11-22 01:07:50.117300',1,'2026-11-22 00:57:52.707420','');
INSERT INTO "mail" VALUES(3,'<179530907317.30768.1193329554845309672@example.net>','changed',3,'carol@example.com','','','','sent','2026-11-22 00:57:53.178018','2026-11-22 01:00:24.296676','2026-11-25 00:57:53.178018',1,'2026-11-22 00:57:54.963777','');
INSERT INTO "mail" VALUES(4,'<179530907536.30768.6560031945912106646@example.net>','code',2,'bob.new@example.com','','','','sent','2026-11-22 00:57:55.366437','2026-11-22 01:00:26.546317','2026-11-22 01:07:55.364998',1,'2026-11-22 00:57:56.569750','');
INSERT INTO "mail" VALUES(5,'<179530907536.30768.6517017901264053430@example.net>','heads_up',2,'bob@example.com','','','','sent','2026-11-22 00:57:55.367413','2026-11-22 01:00:26.575809','2026-11-22 01:07:55.366866',1,'2026-11-22 00:57:56.584210','');
INSERT INTO "mail" VALUES(6,'<179530907789.30768.17476599437820203364@example.net>','invitation',1,'gus@example.com','','','','sent','2026-11-22 00:57:57.890257','2026-11-22 01:00:28.588608','2026-11-25 00:57:57.885036',1,'2026-11-22 00:57:58.631881','');
INSERT INTO "mail" VALUES(7,'<179530907893.30768.15569922900961241276@example.net>','assisted',6,'fay@example.com','','','','sent','2026-11-22 00:57:58.931231','2026-11-22 01:00:29.734997','2026-11-25 00:57:58.931231',1,'2026-11-22 00:57:59.760877','');
INSERT INTO "mail" VALUES(8,'<179530907893.30768.16493344956799356699@example.net>','assisted_proof',6,'fay.new@example.com','请确认您的新邮箱','fay，您好：

另一位管理员为您发起了邮箱修改，新邮箱即此邮箱。请用此链接完成修改：

http://127.0.0.1:25421/cms/resetemail/prove/kaXe20TVSeCtO5S3tH1HnQ7XtsxnX4rBpMGKA1mkN1A/

操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。
','<!doctype html>
<html lang="zh">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>账号中心</title>
  </head>
  <body style="margin:0;padding:24px 12px;font-family:-apple-system,''Segoe UI'',Roboto,''PingFang SC'',''Microsoft YaHei'',''Noto Sans CJK SC'',sans-serif;font-size:16px;line-height:1.6">
    <div style="max-width:560px;margin:0 auto;padding:24px;border:1px solid #c9cede;border-radius:12px">
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold">账号中心</p>
      
<p>fay，您好：</p>
<p>另一位管理员为您发起了邮箱修改，新邮箱即此邮箱。请用此链接完成修改：</p>
<p style="word-break:break-all"><a href="http://127.0.0.1:25421/cms/resetemail/prove/kaXe20TVSeCtO5S3tH1HnQ7XtsxnX4rBpMGKA1mkN1A/">http://127.0.0.1:25421/cms/resetemail/prove/kaXe20TVSeCtO5S3tH1HnQ7XtsxnX4rBpMGKA1mkN1A/</a></p>
<p>操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>','queued','2026-11-22 00:57:58.935822','2026-11-23 00:57:58.921696','2026-11-26 00:57:58.921696',0,NULL,'');
INSERT INTO "mail" VALUES(9,'<179530908004.30768.1353646462354776371@example.net>','errand:password_link',NULL,'dan@example.com','','{"where": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:25421"}, "language": "zh"}','','queued','2026-11-22 00:58:00.041978','2026-11-22 00:58:00.041978','2026-11-25 00:58:00.041978',0,NULL,'');
CREATE INDEX ix_budget_resets_at ON budget (resets_at);
CREATE INDEX ix_cms_user_created_at ON cms_user (created_at);
CREATE INDEX ix_link_email_key ON link (email_key);
CREATE INDEX ix_link_user_id_purpose ON link (user_id, purpose);
CREATE INDEX ix_login_session_user_id ON login_session (user_id);
CREATE INDEX ix_mail_state_due_at ON mail (state, due_at);
CREATE INDEX ix_mail_user_id ON mail (user_id);
CREATE INDEX ix_email_change_session_id ON email_change (session_id);
CREATE INDEX ix_email_change_expires_at ON email_change (expires_at);
CREATE INDEX ix_email_change_mail_id ON email_change (mail_id);
CREATE INDEX ix_invitation_created_at ON invitation (created_at);
CREATE INDEX ix_invitation_expires_at ON invitation (expires_at);
CREATE INDEX ix_link_ended_at ON link (ended_at);
CREATE INDEX ix_link_expires_at ON link (expires_at);
CREATE INDEX ix_login_session_remembered_created_at ON login_session (remembered, created_at);
CREATE INDEX ix_login_session_remembered_seen_at ON login_session (remembered, seen_at);
CREATE INDEX ix_mail_done_at ON mail (done_at);
COMMIT;
